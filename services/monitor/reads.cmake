# What the monitor reads: statements of sql/ go into the program.
set(sql_folder ${CMAKE_CURRENT_SOURCE_DIR}/sql)
file(GLOB statements CONFIGURE_DEPENDS ${sql_folder}/*.sql ${sql_folder}/part/*.sql)
set(sql_embedded ${CMAKE_CURRENT_BINARY_DIR}/sql.c)
add_custom_command(OUTPUT ${sql_embedded}
    COMMAND ${CMAKE_COMMAND} -DFOLDER=${sql_folder} -DOUT=${sql_embedded}
        -P ${CMAKE_CURRENT_SOURCE_DIR}/embed_sql.cmake
    DEPENDS ${statements} ${CMAKE_CURRENT_SOURCE_DIR}/embed_sql.cmake
    VERBATIM)
target_sources(monitor PRIVATE
    events.c export.c read.c read_board.c read_cases.c read_cursor.c read_receipts.c stats.c
    batch.c lookup.c lookup_answer.c lookup_policy.c lookup_question.c ${sql_embedded})
