#pragma once

#include <string>
#include <string_view>

// The slow and obvious JSON checker that json_test.cpp compares with: RFC 8259's grammar, one
// function a rule, byte by byte, no tables.
namespace wspush::test {

class JsonOracle {
 public:
  static bool accepts(std::string_view text, int depth_max) {
    JsonOracle oracle(text, depth_max);
    oracle.space();
    return oracle.value(0) && (oracle.space(), oracle.rest_.empty());
  }

 private:
  JsonOracle(std::string_view text, int depth_max) : rest_(text), depth_max_(depth_max) {}

  bool take(std::string_view token) {
    if (rest_.substr(0, token.size()) != token) {
      return false;
    }
    rest_.remove_prefix(token.size());
    return true;
  }
  bool is_next_in(char first, char last) const {
    return !rest_.empty() && rest_[0] >= first && rest_[0] <= last;
  }
  void space() {
    while (take(" ") || take("\t") || take("\n") || take("\r")) {
    }
  }

  bool value(int depth) {
    if (take("null") || take("true") || take("false")) {
      return true;
    }
    if (take("[")) {
      return depth < depth_max_ && list("]", depth, false);
    }
    if (take("{")) {
      return depth < depth_max_ && list("}", depth, true);
    }
    return !rest_.empty() && (rest_[0] == '"' ? string() : number());
  }
  bool list(std::string_view closing, int depth, bool has_keys) {
    space();
    if (take(closing)) {
      return true;
    }
    do {
      space();
      if (has_keys && !(string() && (space(), take(":")))) {
        return false;
      }
      space();
      if (!value(depth + 1)) {
        return false;
      }
      space();
    } while (take(","));
    return take(closing);
  }
  bool digits() {
    if (!is_next_in('0', '9')) {
      return false;
    }
    while (is_next_in('0', '9')) {
      rest_.remove_prefix(1);
    }
    return true;
  }
  bool number() {
    take("-");
    if (!take("0") && !digits()) {
      return false;
    }
    if (take(".") && !digits()) {
      return false;
    }
    if (take("e") || take("E")) {
      if (!take("+")) {
        take("-");
      }
      return digits();
    }
    return true;
  }
  int hex4() {
    int unit = 0;
    for (int i = 0; i < 4; ++i) {
      const std::string_view hex = "0123456789abcdef0123456789ABCDEF";
      const auto digit = rest_.empty() ? hex.npos : hex.find(rest_[0]);
      if (digit == hex.npos) {
        return -1;
      }
      rest_.remove_prefix(1);
      unit = unit * 16 + static_cast<int>(digit % 16);
    }
    return unit;
  }
  bool escape() {
    for (const char* simple : {"\"", "\\", "/", "b", "f", "n", "r", "t"}) {
      if (take(simple)) {
        return true;
      }
    }
    if (!take("u")) {
      return false;
    }
    const int unit = hex4();
    if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff)) {
      return false;
    }
    if (unit >= 0xd800 && unit <= 0xdbff) {
      const int low = take("\\u") ? hex4() : -1;
      return low >= 0xdc00 && low <= 0xdfff;
    }
    return true;
  }
  /// One code point by its bits (RFC 3629 §3), then the ranges.
  bool code_point() {
    const auto at = [&](std::size_t i) -> unsigned { return static_cast<unsigned char>(rest_[i]); };
    std::size_t length = 1;
    unsigned code = at(0);
    if (at(0) >= 0x80) {
      length = (at(0) >> 5) == 6 ? 2 : (at(0) >> 4) == 14 ? 3 : (at(0) >> 3) == 30 ? 4 : 0;
      if (length == 0 || rest_.size() < length) {
        return false;
      }
      code = at(0) & (0x7fU >> length);
      for (std::size_t i = 1; i < length; ++i) {
        if ((at(i) & 0xc0) != 0x80) {
          return false;
        }
        code = code << 6 | (at(i) & 0x3f);
      }
      const unsigned least = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000;
      if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        return false;
      }
    }
    if (code < 0x20) {
      return false;
    }
    rest_.remove_prefix(length);
    return true;
  }
  bool string() {
    if (!take("\"")) {
      return false;
    }
    while (!take("\"")) {
      if (rest_.empty() || !(take("\\") ? escape() : code_point())) {
        return false;
      }
    }
    return true;
  }

  std::string_view rest_;
  int depth_max_;
};

}  // namespace wspush::test
