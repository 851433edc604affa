# cmake -DFOLDER=… -DFILES=a;b -DNAME=symbol -DOUT=… -P embed.cmake: files of FOLDER as a C array of
# struct embedded_file called NAME, and NAME_count.
set(arrays "")
set(rows "")
set(number 0)
foreach(name IN LISTS FILES)
    get_filename_component(extension ${name} LAST_EXT)
    if(extension STREQUAL ".html")
        set(type "text/html; charset=utf-8")
    elseif(extension STREQUAL ".css")
        set(type "text/css; charset=utf-8")
    elseif(extension STREQUAL ".js")
        set(type "text/javascript; charset=utf-8")
    elseif(extension STREQUAL ".svg")
        set(type "image/svg+xml")
    else()
        message(FATAL_ERROR "${name}: no type is known for ${extension}")
    endif()
    file(SHA256 ${FOLDER}/${name} checksum)
    string(SUBSTRING ${checksum} 0 16 etag)
    file(READ ${FOLDER}/${name} hex HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
    string(APPEND arrays "static const uint8_t FILE_${number}[] = {\n${bytes}0x00};\n")
    string(APPEND rows
        "    {\"${name}\", \"${type}\", \"\\\"${etag}\\\"\", FILE_${number}, sizeof(FILE_${number}) - 1},\n")
    math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUT} "#include \"services/common/base/embedded.h\"\n\n${arrays}
extern const struct embedded_file ${NAME}[];
extern const size_t ${NAME}_count;
const struct embedded_file ${NAME}[] = {\n${rows}};
const size_t ${NAME}_count = ${number};\n")
