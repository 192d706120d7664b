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
    wspush_precompile(${target} wspush_precompiled)
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

# What `cmake --build` is asked for where only these are wanted.
if(WSPUSH_TESTS)
  add_custom_target(unit_tests)
endif()
if(WSPUSH_TESTS OR WSPUSH_FUZZ)
  add_custom_target(fuzz_targets)
endif()

# wspush_add_test(MODULE SOURCES ... DEPS ... [THREADS] [TEMPLATES] [COST SECONDS])
# One test binary `<MODULE>_test` that links only the module it tests, and what DEPS names.
# THREADS: tests of it start threads; without, the thread sanitizer would have nothing to see, and
# its build leaves the binary out.
# TEMPLATES: code of the module is instantiated by its tests alone, so they are compiled with all
# checks; others with fewer (wspush_fewer_checks).
# COST: of the longest of its tests with a sanitizer; ctest begins with the costliest.
function(wspush_add_test module)
  cmake_parse_arguments(arg "THREADS;TEMPLATES" "COST" "SOURCES;DEPS" ${ARGN})
  if(WSPUSH_SANITIZE STREQUAL "thread" AND NOT arg_THREADS)
    return()
  endif()
  set(target ${module}_test)
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE wspush_options ${arg_DEPS} GTest::gmock GTest::gtest_main)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  add_dependencies(unit_tests ${target})
  if(arg_TEMPLATES)
    wspush_precompile(${target} wspush_precompiled_templates)
  else()
    wspush_fewer_checks(${target})
    wspush_precompile(${target} wspush_precompiled_tests)
  endif()
  if(NOT arg_COST)
    set(arg_COST 0)
  endif()
  gtest_discover_tests(${target} TEST_PREFIX "unit." DISCOVERY_TIMEOUT 60
                       PROPERTIES TIMEOUT 120 COST ${arg_COST})
endfunction()

# wspush_add_bench(MODULE SOURCES ... DEPS ...): Google Benchmark, not run by ctest.
function(wspush_add_bench module)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${module}_bench ${arg_SOURCES})
  target_link_libraries(${module}_bench PRIVATE wspush_options ${arg_DEPS} benchmark::benchmark_main)
endfunction()

# wspush_add_fuzz(TARGET SOURCES ... DEPS ...)
# One binary `<TARGET>_fuzz`: on libFuzzer with WSPUSH_FUZZ, else with a main that replays files, on
# any compiler. The test `fuzz.<TARGET>` runs it over tests/fuzz/corpus/<TARGET>. Not in the thread
# sanitizer's build: none starts a thread.
function(wspush_add_fuzz name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  if(WSPUSH_SANITIZE STREQUAL "thread")
    return()
  endif()
  set(target ${name}_fuzz)
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE wspush_options wspush_fuzz ${arg_DEPS})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
  if(NOT WSPUSH_FUZZ)
    wspush_fewer_checks(${target})
  endif()
  wspush_precompile(${target} wspush_precompiled_fuzz)
  add_dependencies(fuzz_targets ${target})
  # -runs=0 makes libFuzzer execute the corpus and no more.
  add_test(NAME fuzz.${name} COMMAND ${target} $<$<BOOL:${WSPUSH_FUZZ}>:-runs=0>
           ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name} COMMAND_EXPAND_LISTS)
  set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 120)
endfunction()
