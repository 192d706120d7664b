#include <limits>

#include "base/check.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/http_oracle.hpp"
#include "http/request_target.hpp"
#include "unit/http/parsed_head.hpp"

// The head of a request, under the bounds of a server and under tight ones: the same answer however
// it is cut, no byte looked at twice, and taken exactly where the plain reading takes it.
namespace wspush::fuzz {
namespace {

using http::HeadLimits;
using http::RequestHead;
using http::RequestHeadParser;

bool is_all_of(std::string_view text, std::string_view chars) {
  return text.find_first_not_of(chars) == text.npos;
}

constexpr std::string_view kDigits = "0123456789";

/// The value of digits, or nothing where it does not fit.
std::optional<std::uint64_t> plain_number(std::string_view text) {
  if (text.empty() || !is_all_of(text, kDigits)) {
    return std::nullopt;
  }
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size() - 1));
  constexpr std::string_view kMax = "18446744073709551615";
  if (text.size() > kMax.size() || (text.size() == kMax.size() && text > kMax)) {
    return std::nullopt;
  }
  std::uint64_t value = 0;
  for (const char c : text) {
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

bool plain_is_host(std::string_view value) {
  if (value.empty()) {
    return true;
  }
  constexpr std::string_view kHex = "0123456789abcdefABCDEF";
  std::size_t end = 0;
  if (value[0] == '[') {
    end = value.find(']');
    if (end == value.npos || value.substr(1, end - 1).find(':') == value.npos ||
        value.substr(1, end - 1).find_first_not_of("0123456789abcdefABCDEF:.") != value.npos) {
      return false;
    }
    ++end;
  } else {
    while (end < value.size() && value[end] != ':') {
      if (value[end] == '%') {
        if (end + 2 >= value.size() || !is_all_of(value.substr(end + 1, 2), kHex)) {
          return false;
        }
        end += 3;
      } else if (is_all_of(value.substr(end, 1),
                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")) {
        ++end;
      } else {
        return false;
      }
    }
    if (end == 0) {
      return false;
    }
  }
  if (end == value.size()) {
    return true;
  }
  const std::string_view port = value.substr(end + 1);
  return value[end] == ':' && (port.empty() || plain_number(port).value_or(65536) <= 65535);
}

struct PlainRequest {
  PlainHead head;
  std::string method;
  std::string target;
  bool is_11 = false;
  std::optional<std::uint64_t> content_length;
  bool is_chunked = false;
};

std::optional<PlainRequest> plain_request(ByteView text, const HeadLimits& limits) {
  auto head = plain_head(text, http::kLeadingEmptyLinesMax);
  if (!head || head->bytes > limits.head_bytes || head->fields.size() > limits.headers ||
      head->first_line.size() > limits.request_line_bytes) {
    return std::nullopt;
  }
  const auto parts = plain_split(head->first_line, ' ');
  if (parts.size() != 3 || !plain_is_token(parts[0]) || parts[0].size() > http::kMethodBytesMax ||
      parts[0] == "CONNECT" || (parts[2] != "HTTP/1.1" && parts[2] != "HTTP/1.0")) {
    return std::nullopt;
  }
  PlainRequest request{std::move(*head), parts[0], parts[1], parts[2] == "HTTP/1.1", {}, false};
  for (const char c : request.target) {
    if (c <= ' ' || c > '~' || c == '#') {
      return std::nullopt;
    }
  }
  const std::string low = PlainHead::lower(request.target);
  const bool is_absolute = low.starts_with("http://") || low.starts_with("https://");
  if (is_absolute) {
    const std::string rest = request.target.substr(request.target.find("//") + 2);
    const std::string authority = rest.substr(0, rest.find_first_of("/?"));
    if (authority.empty() || !plain_is_host(authority)) {
      return std::nullopt;
    }
  } else if (request.target[0] != '/' && !(request.target == "*" && request.method == "OPTIONS")) {
    return std::nullopt;
  }
  const auto hosts = request.head.values_of("Host");
  if (hosts.size() > 1 || (hosts.empty() && request.is_11) ||
      (!hosts.empty() && !plain_is_host(hosts[0]))) {
    return std::nullopt;
  }
  const auto lengths = request.head.values_of("Content-Length");
  const auto codings = request.head.values_of("Transfer-Encoding");
  if (!codings.empty()) {
    if (!lengths.empty() || !request.is_11 || codings.size() != 1 ||
        PlainHead::lower(codings[0]) != "chunked") {
      return std::nullopt;
    }
    request.is_chunked = true;
  } else if (!lengths.empty()) {
    request.content_length = plain_number(lengths[0]);
    if (lengths.size() > 1 || !request.content_length) {
      return std::nullopt;
    }
  }
  for (const std::string& value : request.head.values_of("Expect")) {
    for (const std::string& element : plain_split(value, ',')) {
      const std::string expectation = PlainHead::lower(plain_trim(element));
      if (request.is_11 && !expectation.empty() && expectation != "100-continue") {
        return std::nullopt;
      }
    }
  }
  return request;
}

void check_against_plain(ByteView input, const HeadLimits& limits) {
  const auto wanted = plain_request(input, limits);
  RequestHeadParser parser(limits);
  const bool is_complete = parser.parse(input) == http::HeadStatus::kComplete;
  WSPUSH_CHECK(is_complete == wanted.has_value());
  if (!is_complete) {
    return;
  }
  const RequestHead& head = parser.head();
  WSPUSH_CHECK(parser.head_bytes() == wanted->head.bytes);
  WSPUSH_CHECK(head.method == wanted->method && head.target == wanted->target);
  WSPUSH_CHECK((head.version == http::Version::kHttp11) == wanted->is_11);
  WSPUSH_CHECK(head.content_length == wanted->content_length);
  WSPUSH_CHECK(head.is_chunked == wanted->is_chunked);
  WSPUSH_CHECK(!(head.is_chunked && head.content_length));
  WSPUSH_CHECK(!head.expects_continue || head.has_body());
  WSPUSH_CHECK(head.headers.size() == wanted->head.fields.size());
  for (std::size_t i = 0; i < head.headers.size(); ++i) {
    WSPUSH_CHECK(head.headers[i].name == wanted->head.fields[i].name);
    WSPUSH_CHECK(head.headers[i].value == wanted->head.fields[i].value);
    WSPUSH_CHECK(head.headers.find(head.headers[i].name).has_value());
    WSPUSH_CHECK(head.headers.count(head.headers[i].name) >= 1);
  }
}

void check_splits(ByteView input, const HeadLimits& limits) {
  const std::string whole = http::request_outcome(input, limits);
  SplitMix64 chance = chance_of(input);
  // Each step copies what there is: few steps for long heads.
  const std::uint64_t longest_pieces[] = {std::max<std::size_t>(1, input.size() / 64),
                                          std::max<std::size_t>(1, input.size() / 4)};
  for (const std::uint64_t longest : longest_pieces) {
    RequestHeadParser parser(limits);
    const std::string cut = http::outcome_in_pieces(
        parser, input,
        [&](std::size_t) { return static_cast<std::size_t>(1 + chance.below(longest)); },
        http::describe_request);
    WSPUSH_CHECK(cut == whole);
    WSPUSH_CHECK(parser.bytes_examined() <= input.size());
    // A parser that was used is as good as a new one.
    const std::uint64_t before = parser.bytes_examined();
    parser.reset();
    const std::string again = http::outcome_in_pieces(
        parser, input, [&](std::size_t) { return input.size(); }, http::describe_request);
    WSPUSH_CHECK(again == whole);
    WSPUSH_CHECK(parser.bytes_examined() - before <= input.size());
  }
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 20'000) {
    return;
  }
  for (const HeadLimits& limits :
       {HeadLimits{}, HeadLimits{.request_line_bytes = 40, .head_bytes = 200, .headers = 4}}) {
    check_splits(input, limits);
    check_against_plain(input, limits);
  }
}

}  // namespace wspush::fuzz
