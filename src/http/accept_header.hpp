#pragma once

#include <string>
#include <string_view>

#include "http/header_map.hpp"

// Accept and Content-Type as far as we need them. Cost: the length of the headers, however many
// commas, blanks or unclosed quotes they hold. Source: RFC 9110 §8.3.1, §12.4.2, §12.5.1.
namespace wspush::http {

/// Whether the client takes `media_type` ("text/html", lower-case): by its name, by `text/*`, by
/// `*/*`, or because there is no Accept. The most specific range decides; `q=0` excludes.
bool accepts(const HeaderMap& headers, std::string_view media_type);

/// Whether the client asks for `media_type` by its name (q above 0). A door that exists beside
/// another on the same path is chosen so: `*/*`, which curl sends, is no wish for an event stream.
bool asks_for(const HeaderMap& headers, std::string_view media_type);

/// The type and subtype of a Content-Type value in lower case, without parameters:
/// "application/json" of `Application/JSON; charset=utf-8`. Empty when it is not `token/token`.
std::string media_type_essence(std::string_view content_type);

}  // namespace wspush::http
