# cmake -DFOLDER=… -DOUT=… -P embed.cmake: the files that build.mjs made in FOLDER, each with its .gz, as C
# arrays. A FOLDER that is not there gives a program without the board.
set(types .html "text/html; charset=utf-8" .js "text/javascript; charset=utf-8"
    .css "text/css; charset=utf-8" .svg "image/svg+xml")

function(add_bytes name file)
    file(READ ${file} hex HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
    set(arrays "${arrays}static const uint8_t ${name}[] = {\n${bytes}};\n" PARENT_SCOPE)
endfunction()

set(arrays "")
set(rows "")
set(count 0)
file(GLOB_RECURSE files RELATIVE ${FOLDER} ${FOLDER}/*)
list(FILTER files EXCLUDE REGEX "\\.gz$")
list(SORT files)
foreach(file IN LISTS files)
    get_filename_component(extension ${file} LAST_EXT)
    list(FIND types "${extension}" at)
    if(at EQUAL -1)
        message(FATAL_ERROR "${file}: no type for ${extension}")
    endif()
    math(EXPR at "${at} + 1")
    list(GET types ${at} type)
    file(SHA256 ${FOLDER}/${file} hash)
    string(SUBSTRING ${hash} 0 20 hash)
    add_bytes(PLAIN_${count} ${FOLDER}/${file})
    add_bytes(GZIP_${count} ${FOLDER}/${file}.gz)
    string(APPEND rows "    {\"${file}\", \"${type}\", \"\\\"${hash}\\\"\", \"\\\"${hash}-gz\\\"\",
     {PLAIN_${count}, sizeof(PLAIN_${count})}, {GZIP_${count}, sizeof(GZIP_${count})}},\n")
    math(EXPR count "${count} + 1")
endforeach()
if(count EQUAL 0)
    set(rows "    {0},\n")
endif()
file(WRITE ${OUT} "#include \"services/monitor/pages.h\"\n\n${arrays}
const struct page_file pages_files[] = {\n${rows}};
const size_t pages_files_count = ${count};\n")
