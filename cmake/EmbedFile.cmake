# wspush_embed_file(TARGET FILE NAMESPACE SYMBOL): FILE as a std::string_view constant of TARGET.
# Cut into pieces, as compilers bound the length of one string literal.
function(wspush_embed_file target file namespace symbol)
  file(READ ${file} content)
  string(LENGTH "${content}" length)
  set(literal "")
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${content}" ${at} 8000 piece)
    string(APPEND literal "R\"~~~(${piece})~~~\"\n")
    math(EXPR at "${at} + 8000")
  endwhile()
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.cpp)
  file(CONFIGURE OUTPUT ${generated} CONTENT
"#include <string_view>

namespace ${namespace} {
extern const std::string_view ${symbol};
const std::string_view ${symbol} =
@literal@;
}  // namespace ${namespace}
" @ONLY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  target_sources(${target} PRIVATE ${generated})
endfunction()
