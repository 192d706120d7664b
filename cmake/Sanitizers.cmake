if(WSPUSH_SANITIZE STREQUAL "address")
  set(wspush_sanitize_flags -fsanitize=address,undefined -fno-sanitize-recover=all)
elseif(WSPUSH_SANITIZE STREQUAL "thread")
  set(wspush_sanitize_flags -fsanitize=thread)
elseif(NOT WSPUSH_SANITIZE STREQUAL "")
  message(FATAL_ERROR "WSPUSH_SANITIZE=${WSPUSH_SANITIZE}: allowed are 'address' and 'thread'")
endif()
if(WSPUSH_SANITIZE)
  # Reports need lines, not variables: a quarter of the time to compile. And what -O1 does beyond -Og
  # makes the checks no better, and takes another quarter.
  list(APPEND wspush_sanitize_flags -g1 -Og)
  if(WSPUSH_SANITIZE STREQUAL "address")
    # See wspush_fewer_checks.
    list(APPEND wspush_sanitize_flags
      "$<$<BOOL:$<TARGET_PROPERTY:WSPUSH_FEWER_CHECKS>>:-fno-sanitize=null,alignment,vptr,object-size>")
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Most files need less than this (KiB) in all: collecting garbage for them is a tenth of the time.
    list(APPEND wspush_sanitize_flags "SHELL:--param ggc-min-heapsize=500000")
  endif()
endif()
if(WSPUSH_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "WSPUSH_FUZZ needs Clang, which brings libFuzzer")
  endif()
  # libFuzzer steers by what every module of ours reports; its main is in the targets alone.
  list(APPEND wspush_sanitize_flags -fsanitize=fuzzer-no-link)
endif()
if(WSPUSH_COVERAGE)
  # Without optimisation a line that runs is a line that is counted.
  list(APPEND wspush_sanitize_flags --coverage -O0)
endif()
target_compile_options(wspush_options INTERFACE ${wspush_sanitize_flags})
target_link_options(wspush_options INTERFACE ${wspush_sanitize_flags})

# wspush_fewer_checks(TARGET): for the code of tests, where each use of a pointer would be checked for
# null, alignment and type: a third of the time to compile, for code that is not what is tested. The
# modules have these checks, and what the address sanitizer sees, overflow, shifts and bounds are
# looked at everywhere: the inline functions of our headers are compiled here too.
# A property, as options of the target itself come before those of wspush_options, which would win.
function(wspush_fewer_checks target)
  set_target_properties(${target} PROPERTIES WSPUSH_FEWER_CHECKS ON)
endfunction()
