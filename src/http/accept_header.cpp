#include "http/accept_header.hpp"

#include <algorithm>

#include "http/grammar.hpp"

namespace wspush::http {
namespace {

enum Specificity : int { kNoMatch = 0, kAnything = 1, kAnySubtype = 2, kExact = 3 };

Specificity match_range(std::string_view range, std::string_view media_type) {
  if (equals_ignoring_case(range, media_type)) {
    return kExact;
  }
  if (range == "*/*") {
    return kAnything;
  }
  const std::size_t slash = media_type.find('/');
  if (range.ends_with("/*") && slash != std::string_view::npos &&
      equals_ignoring_case(range.substr(0, range.size() - 2), media_type.substr(0, slash))) {
    return kAnySubtype;
  }
  return kNoMatch;
}

/// `0`, `0.`, `0.0` to `0.000`. Another weight, or one that is malformed, does not exclude.
bool is_zero_weight(std::string_view weight) {
  return weight == "0" ||
         (weight.starts_with("0.") && weight.find_first_not_of('0', 2) == std::string_view::npos);
}

bool excludes(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::string_view parameter = take_until(parameters, ';');
    if (parameter.size() >= 2 && to_lower(parameter[0]) == 'q' && parameter[1] == '=') {
      return is_zero_weight(trim_blanks(parameter.substr(2)));
    }
  }
  return false;
}

struct Verdict {
  Specificity specificity = kNoMatch;
  bool is_accepted = false;
};

Verdict judge(const HeaderMap& headers, std::string_view media_type) {
  Verdict verdict;
  headers.for_each_element("Accept", [&](std::string_view element) {
    const std::string_view range = take_until(element, ';');
    const Specificity specificity = match_range(range, media_type);
    if (specificity == kNoMatch || specificity < verdict.specificity) {
      return;
    }
    const bool is_accepted = !excludes(element);
    const bool is_same = specificity == verdict.specificity;
    verdict = {specificity, is_accepted || (is_same && verdict.is_accepted)};
  });
  return verdict;
}

bool has_ranges(const HeaderMap& headers) {
  bool found = false;
  headers.for_each_element("Accept", [&](std::string_view) { found = true; });
  return found;
}

}  // namespace

bool accepts(const HeaderMap& headers, std::string_view media_type) {
  return !has_ranges(headers) || judge(headers, media_type).is_accepted;
}

bool asks_for(const HeaderMap& headers, std::string_view media_type) {
  const Verdict verdict = judge(headers, media_type);
  return verdict.specificity == kExact && verdict.is_accepted;
}

std::string media_type_essence(std::string_view content_type) {
  const std::string_view essence = take_until(content_type, ';');
  const std::size_t slash = essence.find('/');
  if (slash == std::string_view::npos || !is_token(essence.substr(0, slash)) ||
      !is_token(essence.substr(slash + 1))) {
    return {};
  }
  std::string lower(essence);
  std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
  return lower;
}

}  // namespace wspush::http
