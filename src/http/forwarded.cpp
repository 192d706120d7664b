#include "http/forwarded.hpp"

#include <algorithm>
#include <cstddef>

#include "http/grammar.hpp"

namespace wspush::http {
namespace {

/// Takes a port and brackets off: "192.0.2.1:80", "[2001:db8::1]:80". More than one colon without
/// brackets is an IPv6 address as it is.
std::string_view host_of(std::string_view node) {
  if (node.starts_with('[')) {
    const std::size_t end = node.find(']');
    const std::string_view behind = end == node.npos ? "" : node.substr(end + 1);
    const bool is_whole = end != node.npos && (behind.empty() || behind.front() == ':');
    return is_whole ? node.substr(1, end - 1) : std::string_view();
  }
  return std::count(node.begin(), node.end(), ':') == 1 ? node.substr(0, node.find(':')) : node;
}

/// The node named by the `for` of one element of `Forwarded`; empty where there is none, or two.
std::string_view node_of(std::string_view element) {
  std::string_view node;
  bool has_one = false;
  while (!element.empty()) {
    std::string_view pair = take_until(element, ';');
    const std::size_t equals = pair.find('=');
    if (equals == pair.npos || !equals_ignoring_case(trim_blanks(pair.substr(0, equals)), "for")) {
      continue;
    }
    if (has_one) {
      return {};
    }
    has_one = true;
    node = trim_blanks(pair.substr(equals + 1));
    if (node.size() >= 2 && node.front() == '"' && node.back() == '"') {
      node = node.substr(1, node.size() - 2);
    }
  }
  return node;
}

/// Takes the last element off a list. In X-Forwarded-For a quote is no quote.
std::string_view take_last(std::string_view& list, bool has_quotes) {
  bool is_quoted = false;
  std::size_t begin = list.size();
  for (; begin > 0 && (is_quoted || list[begin - 1] != ','); --begin) {
    is_quoted = is_quoted != (has_quotes && list[begin - 1] == '"');
  }
  const std::string_view element = trim_blanks(list.substr(begin));
  list = list.substr(0, begin == 0 ? 0 : begin - 1);
  return element;
}

}  // namespace

std::vector<std::string_view> forwarded_for(const HeaderMap& headers) {
  const bool is_plain = headers.contains("X-Forwarded-For");
  const std::string_view name = is_plain ? "X-Forwarded-For" : "Forwarded";
  std::vector<std::string_view> nodes;
  for (std::size_t i = headers.size(); i > 0; --i) {
    HeaderField field = headers[i - 1];
    if (!equals_ignoring_case(field.name, name)) {
      continue;
    }
    while (!field.value.empty()) {
      const std::string_view element = take_last(field.value, !is_plain);
      if (!element.empty()) {
        nodes.push_back(host_of(is_plain ? element : node_of(element)));
      }
    }
  }
  return nodes;
}

}  // namespace wspush::http
