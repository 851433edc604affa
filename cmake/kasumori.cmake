# What every target of the tree shares: one interface library of compile options, and one function for
# a library, a program, a test and a fuzzer.

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(KASUMORI_TESTS "build the tests" ON)
set(KASUMORI_SANITIZE "" CACHE STRING "value of -fsanitize=, empty for none")
option(KASUMORI_FUZZ "build fuzzers with libFuzzer (clang only)" OFF)

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

add_library(kasumori_options INTERFACE)
target_compile_options(kasumori_options INTERFACE
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wundef
    -Wno-format-nonliteral $<$<C_COMPILER_ID:GNU>:-Wno-format-truncation>
    $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection
                        -fcf-protection -fPIE>)
target_compile_definitions(kasumori_options INTERFACE _GNU_SOURCE
    KASUMORI_VERSION="${PROJECT_VERSION}")
target_include_directories(kasumori_options INTERFACE ${CMAKE_SOURCE_DIR})
target_link_options(kasumori_options INTERFACE
    $<$<CONFIG:Release>:-pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack>)
if(KASUMORI_SANITIZE)
    target_compile_options(kasumori_options INTERFACE -fsanitize=${KASUMORI_SANITIZE}
        -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(kasumori_options INTERFACE -fsanitize=${KASUMORI_SANITIZE})
endif()
if(KASUMORI_FUZZ)
    target_compile_options(kasumori_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# kasumori_library(NAME SOURCES … [DEPS local targets …] [PKGS pkg-config modules …])
# Headers of the folder are compiled alone by the target all_verify_interface_header_sets.
function(kasumori_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PKGS" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    target_link_libraries(${name} PUBLIC kasumori_options ${ARG_DEPS} Threads::Threads)
    foreach(pkg IN LISTS ARG_PKGS)
        if(NOT TARGET PkgConfig::${pkg})
            pkg_check_modules(${pkg} REQUIRED IMPORTED_TARGET GLOBAL ${pkg})
        endif()
        target_link_libraries(${name} PUBLIC PkgConfig::${pkg})
    endforeach()
    file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.h)
    if(headers)
        target_sources(${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${CMAKE_SOURCE_DIR}
            FILES ${headers})
    endif()
endfunction()

# kasumori_program(NAME SOURCES … [DEPS …]): an executable in <build>/bin
function(kasumori_program name)
    cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE kasumori_options ${ARG_DEPS})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endfunction()

# kasumori_test(NAME LABEL unit|sim|component SOURCES … [DEPS …]): a cmocka program
function(kasumori_test name)
    cmake_parse_arguments(ARG "" "LABEL" "SOURCES;DEPS" ${ARGN})
    if(NOT TARGET PkgConfig::cmocka)
        pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET GLOBAL cmocka)
    endif()
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE kasumori_options ${ARG_DEPS} PkgConfig::cmocka)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT 120
        ENVIRONMENT "KASUMORI_SOURCE=${CMAKE_SOURCE_DIR};ASAN_OPTIONS=allocator_may_return_null=1")
endfunction()

# kasumori_fuzzer(NAME SOURCES … [DEPS …]): LLVMFuzzerTestOneInput over tests/fuzz/corpus/<name>.
# Without libFuzzer a small driver replays the corpus; ctest label fuzz replays it either way.
function(kasumori_fuzzer name)
    cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE kasumori_options ${ARG_DEPS})
    if(KASUMORI_FUZZ)
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
        add_test(NAME ${name} COMMAND ${name} -runs=0 ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
    else()
        target_sources(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
        add_test(NAME ${name} COMMAND ${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
    endif()
    set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 120)
endfunction()

# The tests' virtual environment, made by tests/support/bootstrap.sh test.
set(KASUMORI_VENV $ENV{XDG_CACHE_HOME})
if(NOT KASUMORI_VENV)
    set(KASUMORI_VENV $ENV{HOME}/.cache)
endif()
set(KASUMORI_VENV ${KASUMORI_VENV}/kasumori/venv/bin)

# kasumori_pytest(NAME LABEL … TIMEOUT seconds ARGS pytest's arguments …): with the programs of this build
function(kasumori_pytest name)
    cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "ARGS" ${ARGN})
    add_test(NAME ${name} COMMAND ${KASUMORI_VENV}/python -m pytest -q ${ARG_ARGS}
        WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT}
        ENVIRONMENT "KASUMORI_BUILD=${CMAKE_BINARY_DIR}")
endfunction()
