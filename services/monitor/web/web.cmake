# The board: npm's lock file → node_modules in the cache → hashed files → C arrays in ${board}.
option(KASUMORI_BOARD "build the board into the monitor (needs Node 18 or newer, and npm once)" ON)
set(board ${CMAKE_CURRENT_BINARY_DIR}/pages_files.c)
set(board_web ${CMAKE_CURRENT_SOURCE_DIR}/web)
set(board_files ${CMAKE_BINARY_DIR}/board)
if(KASUMORI_BOARD)
    find_program(NODE NAMES node nodejs)
    if(NOT NODE)
        message(FATAL_ERROR "cannot build the board: Node is not installed "
            "(tests/support/bootstrap.sh installs it; -DKASUMORI_BOARD=OFF builds without the board)")
    endif()
    file(GLOB_RECURSE board_sources CONFIGURE_DEPENDS ${board_web}/src/*)
    add_custom_command(OUTPUT ${board}
        COMMAND ${board_web}/modules.sh
        COMMAND ${NODE} ${board_web}/build.mjs --out ${board_files}
        COMMAND ${CMAKE_COMMAND} -DFOLDER=${board_files} -DOUT=${board} -P ${board_web}/embed.cmake
        DEPENDS ${board_sources} ${board_web}/modules.sh ${board_web}/build.mjs
            ${board_web}/embed.cmake ${board_web}/package.json ${board_web}/package-lock.json
        COMMENT "Building the board"
        VERBATIM)
else()
    add_custom_command(OUTPUT ${board}
        COMMAND ${CMAKE_COMMAND} -DFOLDER=${board_files}-none -DOUT=${board}
            -P ${board_web}/embed.cmake
        DEPENDS ${board_web}/embed.cmake
        VERBATIM)
endif()

add_library(pages STATIC pages.c ${board})
target_link_libraries(pages PUBLIC kasumori_options base http)
