#include <string>

#include "base/base64.hpp"
#include "base/check.hpp"
#include "fuzz/fuzz.hpp"

// base64 in both alphabets: there and back, and one spelling for each value.
namespace wspush::fuzz {
namespace {

/// The plain coding of §4, bit by bit.
std::string plain_encode(ByteView bytes, std::string_view alphabet) {
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (const char byte : bytes) {
    bits = (bits << 8U | static_cast<unsigned char>(byte)) & 0xffffU;
    count += 8;
    while (count >= 6) {
      count -= 6;
      out += alphabet[(bits >> static_cast<unsigned>(count)) & 0x3fU];
    }
  }
  if (count > 0) {
    out += alphabet[(bits << static_cast<unsigned>(6 - count)) & 0x3fU];
  }
  return out;
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 8'000) {
    return;
  }
  constexpr std::string_view kStandard =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  constexpr std::string_view kUrl =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string padded = plain_encode(input, kStandard);
  padded.append((4 - padded.size() % 4) % 4, '=');
  WSPUSH_CHECK(base64_encode(input) == padded && padded.size() == base64_chars(input.size()));
  WSPUSH_CHECK(base64url_encode(input) == plain_encode(input, kUrl));
  WSPUSH_CHECK(base64_decode(padded) == std::string(input));
  WSPUSH_CHECK(base64url_decode(base64url_encode(input)) == std::string(input));

  // As coded text: what is taken is exactly what the encoder would have written.
  if (const auto bytes = base64_decode(input)) {
    WSPUSH_CHECK(base64_encode(*bytes) == input);
  }
  if (const auto bytes = base64url_decode(input)) {
    WSPUSH_CHECK(base64url_encode(*bytes) == input);
  }
}

}  // namespace wspush::fuzz
