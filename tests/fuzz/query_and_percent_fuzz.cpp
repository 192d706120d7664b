#include <string>
#include <vector>

#include "api/query.hpp"
#include "base/check.hpp"
#include "base/percent.hpp"
#include "fuzz/fuzz.hpp"
#include "http/request_target.hpp"

// Request targets and percent-encoding: what was encoded comes back, and the pieces of a target are
// those that a plain cut finds.
namespace wspush::fuzz {
namespace {

using http::RequestTarget;

/// The plain reading of percent-encoded text; false where an escape is broken.
bool plain_decode(std::string_view text, bool plus_is_space, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef0123456789ABCDEF";
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const auto high = i + 2 < text.size() ? kHex.find(text[i + 1]) : kHex.npos;
      const auto low = i + 2 < text.size() ? kHex.find(text[i + 2]) : kHex.npos;
      if (high == kHex.npos || low == kHex.npos) {
        return false;
      }
      out += static_cast<char>((high % 16) * 16 + low % 16);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return true;
}

void check_percent(ByteView input) {
  const std::string encoded = percent_encode(input);
  WSPUSH_CHECK(encoded.size() <= 3 * input.size());
  WSPUSH_CHECK(percent_decode(encoded, PlusSign::kLiteral) == std::string(input));
  WSPUSH_CHECK(percent_decode(encoded, PlusSign::kSpace) == std::string(input));
  for (const PlusSign plus : {PlusSign::kLiteral, PlusSign::kSpace}) {
    std::string wanted;
    const bool is_good = plain_decode(input, plus == PlusSign::kSpace, wanted);
    const auto decoded = percent_decode(input, plus);
    WSPUSH_CHECK(decoded.has_value() == is_good);
    WSPUSH_CHECK(!decoded || *decoded == wanted);
  }
  // As one segment and one parameter of a target it comes back whole.
  const auto target = RequestTarget::parse("GET", "/a/" + encoded + "?x=" + encoded + "&y");
  WSPUSH_CHECK(target.has_value() && target->segments().size() == 2);
  WSPUSH_CHECK(target->segments()[1] == input && target->find("x") == input);
  WSPUSH_CHECK(target->find("y") == "");
}

void check_target(std::string_view method, ByteView text) {
  const auto target = RequestTarget::parse(method, text);
  if (!target) {
    return;
  }
  WSPUSH_CHECK(target->segments().size() <= http::kPathSegmentsMax);
  WSPUSH_CHECK(target->parameters().size() <= http::kQueryParametersMax);
  if (target->is_asterisk()) {
    WSPUSH_CHECK(method == "OPTIONS" && text == "*" && target->segments().empty());
    return;
  }
  WSPUSH_CHECK(target->path().starts_with('/'));
  WSPUSH_CHECK(target->path().find('?') == std::string_view::npos);
  std::string path;
  for (const std::string& segment : target->segments()) {
    path += "/" + percent_encode(segment);
  }
  // Encoded anew the path means the same: no separator was made or lost by decoding.
  const auto again =
      RequestTarget::parse("GET", (path.empty() ? "/" : path) + "?" + std::string(target->query()));
  WSPUSH_CHECK(again.has_value() && again->segments().size() == target->segments().size());
  for (std::size_t i = 0; i < target->segments().size(); ++i) {
    WSPUSH_CHECK(again->segments()[i] == target->segments()[i]);
  }
  WSPUSH_CHECK(again->parameters().size() == target->parameters().size());
  for (const RequestTarget::Parameter& parameter : target->parameters()) {
    const auto values = target->all(parameter.name);
    WSPUSH_CHECK(!values.empty() && target->find(parameter.name) == values.front());
    WSPUSH_CHECK(std::find(values.begin(), values.end(), parameter.value) != values.end());
  }
  if (const auto limit = api::read_limit(*target, {.if_absent = 100, .max = 1000})) {
    WSPUSH_CHECK(*limit >= 1 && *limit <= 1000);
  } else {
    WSPUSH_CHECK(target->find("limit").has_value());
  }
  const auto after = api::read_after(*target);
  WSPUSH_CHECK(after.has_value() || target->find("after").has_value());
  if (after && after->kind == hub::After::Kind::kId) {
    WSPUSH_CHECK(target->find("after") == hub::to_string(after->id));
  }
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 8'000) {
    return;
  }
  check_percent(input);
  check_target("GET", input);
  check_target("OPTIONS", input);
}

}  // namespace wspush::fuzz
