#include "metrics/accept_header.hpp"

#include <algorithm>
#include <optional>

namespace wspush::metrics {
namespace {

ByteView trimmed(ByteView text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == ByteView::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Cuts off and returns what stands before the next `separator`.
ByteView take_until(ByteView& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const ByteView piece = trimmed(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return piece;
}

bool is_same(ByteView a, ByteView b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

/// `0`, `0.5`, `1.000`: thousandths.
std::optional<int> parse_weight(ByteView text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1') ||
      (text.size() > 1 && text[1] != '.')) {
    return std::nullopt;
  }
  int weight = (text[0] - '0') * 1000;
  int unit = 100;
  for (char c : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    weight += (c - '0') * unit;
    unit /= 10;
  }
  return weight <= 1000 ? std::optional(weight) : std::nullopt;
}

/// How exactly `range` names `media_type`: 0 not at all, 1 by `*/*`, 2 by `type/*`, 3 itself.
int specificity(ByteView range, std::string_view media_type) {
  if (is_same(range, media_type)) {
    return 3;
  }
  const ByteView type = media_type.substr(0, media_type.find('/') + 1);
  if (range.size() == type.size() + 1 && range.back() == '*' &&
      is_same(range.substr(0, type.size()), type)) {
    return 2;
  }
  return range == "*/*" ? 1 : 0;
}

}  // namespace

Preference preference_for(ByteView accept, std::string_view media_type, std::string_view version) {
  Preference preference;
  int best = 0;
  while (!accept.empty()) {
    ByteView rest = take_until(accept, ',');
    const int exactness = specificity(take_until(rest, ';'), media_type);
    std::optional<int> weight = 1000;
    bool fits = exactness > 0;
    while (!rest.empty()) {
      ByteView value = take_until(rest, ';');
      const ByteView name = take_until(value, '=');
      if (is_same(name, "q")) {
        weight = parse_weight(trimmed(value));
      } else if (is_same(name, "version")) {
        fits = fits && trimmed(value) == version;
      }
    }
    if (!fits || !weight || exactness < best) {
      continue;
    }
    // Of two ranges that are as exact the one that wants it more.
    preference.quality = exactness > best ? *weight : std::max(preference.quality, *weight);
    preference.is_named = exactness == 3;
    best = exactness;
  }
  return preference;
}

}  // namespace wspush::metrics
