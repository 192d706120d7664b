# Carried by every target of ours through wspush_options; nothing global.
add_library(wspush_options INTERFACE)
target_compile_features(wspush_options INTERFACE cxx_std_20)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

target_compile_options(wspush_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -fstack-protector-strong -fno-omit-frame-pointer
  # g++ 12 warns about paths inside its own std::string and std::vector under these two.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-missing-field-initializers>
  $<$<CXX_COMPILER_ID:Clang>:-Wno-missing-field-initializers>
  $<$<BOOL:${WSPUSH_WARNINGS_AS_ERRORS}>:-Werror>)
target_compile_definitions(wspush_options INTERFACE
  $<$<NOT:$<CONFIG:RelWithDebInfo>>:_GLIBCXX_ASSERTIONS>
  $<$<AND:$<CONFIG:RelWithDebInfo>,$<STREQUAL:${WSPUSH_SANITIZE},>>:_FORTIFY_SOURCE=2>)
target_link_options(wspush_options INTERFACE -pie -Wl,-z,relro,-z,now)

# For builds that nobody installs. What is shipped comes from the linker of the distribution.
if(WSPUSH_MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  find_program(WSPUSH_MOLD_PROGRAM mold)
  if(WSPUSH_MOLD_PROGRAM)
    target_link_options(wspush_options INTERFACE -fuse-ld=mold)
  endif()
endif()

# RelWithDebInfo is our release: fast, and a core dump that can be read. WSPUSH_CHECK stays on in
# every build, WSPUSH_ASSERT outside of it.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O3 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g")
