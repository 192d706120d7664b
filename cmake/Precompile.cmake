# Precompiled headers, for the sanitizers' builds (WSPUSH_PRECOMPILE): those of the standard library,
# and of GoogleTest. None of ours: a change of one would compile everything anew. The other presets
# compile without, where a missing #include is an error, and so does
# `all_verify_interface_header_sets`.
set(wspush_standard_headers
  <algorithm> <array> <atomic> <charconv> <chrono> <cstdint> <cstring> <deque> <functional> <map>
  <memory> <optional> <set> <span> <string> <string_view> <unordered_map> <utility> <variant>
  <vector>)

# wspush_add_precompiled(TARGET OPTION...): precompiles them once, for `wspush_precompile`. Whoever
# uses them has to be compiled with the same options: g++ refuses any other.
function(wspush_add_precompiled target)
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${target}.cpp CONTENT "")
  add_library(${target} OBJECT EXCLUDE_FROM_ALL ${CMAKE_CURRENT_BINARY_DIR}/${target}.cpp)
  target_link_libraries(${target} PRIVATE wspush_options)
  target_compile_options(${target} PRIVATE ${ARGN})
  target_precompile_headers(${target} PRIVATE ${wspush_standard_headers})
endfunction()

# wspush_precompile(TARGET FROM): TARGET begins with the headers that FROM has precompiled.
function(wspush_precompile target from)
  if(WSPUSH_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM ${from})
  endif()
endfunction()

if(WSPUSH_PRECOMPILE)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Lets ccache see which precompiled header a file begins with.
    target_compile_options(wspush_options INTERFACE -fpch-preprocess)
  endif()
  wspush_add_precompiled(wspush_precompiled)
  if(WSPUSH_TESTS)
    foreach(users IN ITEMS tests templates fuzz)
      set(target wspush_precompiled_${users})
      wspush_add_precompiled(${target} -fPIE)  # as executables are
      set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
      if(NOT users STREQUAL "templates")
        wspush_fewer_checks(${target})
      endif()
      if(NOT users STREQUAL "fuzz")
        target_link_libraries(${target} PRIVATE GTest::gmock)
        target_precompile_headers(${target} PRIVATE <gmock/gmock.h> <gtest/gtest.h>)
      endif()
    endforeach()
  endif()
endif()
