# The functions every CMakeLists.txt here is written with. The DEPS of a module are the
# architecture: scripts/check_layers.py holds the includes to the same rules.

# wspush_add_module(NAME SOURCES ... HEADERS ... DEPS ...)
# One static library `wspush_<NAME>`. HEADERS are compiled alone by the target
# `all_verify_interface_header_sets`.
function(wspush_add_module name)
  cmake_parse_arguments(arg "" "" "SOURCES;HEADERS;DEPS" ${ARGN})
  set(target wspush_${name})
  if(arg_SOURCES)
    add_library(${target} STATIC ${arg_SOURCES})
    set(scope PUBLIC)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_sources(${target} ${scope} FILE_SET HEADERS
    BASE_DIRS ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include FILES ${arg_HEADERS})
  set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  target_include_directories(${target} ${scope} ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(${target} ${scope} wspush_options ${arg_DEPS})
endfunction()

# wspush_add_test(MODULE SOURCES ... DEPS ... [THREADS] [TEMPLATES])
# One test binary `<MODULE>_test` that links only the module it tests, and what DEPS names.
# THREADS: tests of it start threads; without, the thread sanitizer would have nothing to see, and
# its build leaves the binary out.
# TEMPLATES: code of the module is instantiated by its tests alone. Without, the tests' own code is
# left to the address sanitizer: the checks of the other one are in the module, and would take half
# of the time to compile here.
function(wspush_add_test module)
  cmake_parse_arguments(arg "THREADS;TEMPLATES" "" "SOURCES;DEPS" ${ARGN})
  if(WSPUSH_SANITIZE STREQUAL "thread" AND NOT arg_THREADS)
    return()
  endif()
  set(target ${module}_test)
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE wspush_options ${arg_DEPS} GTest::gmock GTest::gtest_main)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  if(WSPUSH_SANITIZE STREQUAL "address" AND NOT arg_TEMPLATES)
    target_compile_options(${target} PRIVATE -O0 -fno-sanitize=undefined)
  endif()
  gtest_discover_tests(${target} TEST_PREFIX "unit." DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 120)
endfunction()

# wspush_add_bench(MODULE SOURCES ... DEPS ...): Google Benchmark, not run by ctest.
function(wspush_add_bench module)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${module}_bench ${arg_SOURCES})
  target_link_libraries(${module}_bench PRIVATE wspush_options ${arg_DEPS} benchmark::benchmark_main)
endfunction()
