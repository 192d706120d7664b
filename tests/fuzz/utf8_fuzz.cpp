#include <string>

#include "base/check.hpp"
#include "base/utf8.hpp"
#include "base/utf8_sequence.hpp"
#include "fuzz/fuzz.hpp"
#include "unit/base/slow_utf8.hpp"
#include "websocket/masking.hpp"

// UTF-8: every instruction set that this CPU has against the slow reading, at every alignment that
// matters, in pieces, and in the pass that unmasks too.
namespace wspush::fuzz {
namespace {

constexpr SimdLevel kLevels[] = {SimdLevel::kPlain, SimdLevel::kAvx2, SimdLevel::kAvx512};

void check_whole(ByteView text, bool is_valid) {
  WSPUSH_CHECK(is_valid_utf8(text) == is_valid);
  for (const SimdLevel level : kLevels) {
    if (is_supported(level)) {
      WSPUSH_CHECK(is_valid_utf8(text, level) == is_valid);
    }
  }
}

void check_pieces(ByteView text, std::uint64_t longest, bool is_valid) {
  SplitMix64 chance = chance_of(text);
  Utf8Validator validator;
  bool can_go_on = true;
  for (std::size_t at = 0; at < text.size();) {
    const Copy piece(text.substr(at, static_cast<std::size_t>(1 + chance.below(longest))));
    at += piece.view().size();
    const bool was_good = can_go_on;
    can_go_on = validator.feed(piece.view());
    WSPUSH_CHECK(was_good || !can_go_on);
    if (text.size() <= 64) {
      WSPUSH_CHECK(can_go_on == slow_can_become_valid(text.substr(0, at)));
    }
  }
  WSPUSH_CHECK((can_go_on && validator.is_complete()) == is_valid);
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 4'096) {
    return;
  }
  const bool is_valid = slow_is_valid(input);
  check_whole(input, is_valid);
  check_pieces(input, 3, is_valid);
  check_pieces(input, 200, is_valid);

  // Shifted through a vector: what is wrong is found wherever it lies.
  const std::size_t shift = input.size() % 67;
  check_whole(std::string(shift, 'a') + std::string(input), is_valid);
  check_whole(std::string(input) + std::string(shift, 'a'),
              slow_is_valid(std::string(input) + std::string(shift, 'a')));

  std::size_t at = 0;
  while (at < input.size()) {
    const std::size_t bytes = utf8_sequence_bytes(input.substr(at));
    if (bytes == 0) {
      break;
    }
    at += bytes;
  }
  WSPUSH_CHECK((at == input.size()) == is_valid);

  const websocket::MaskingKey key = {0x80, 0x12, static_cast<std::uint8_t>(shift), 0xff};
  Copy masked(input);
  websocket::unmask(masked.bytes(), key);
  for (const SimdLevel level : kLevels) {
    if (is_supported(level)) {
      Copy back(masked.view());
      const std::size_t cut = std::min(shift, input.size());
      websocket::unmask(back.bytes().first(cut), key, 0, level);
      websocket::unmask(back.bytes().subspan(cut), key, cut, level);
      WSPUSH_CHECK(back.view() == input);
    }
  }
  Utf8Validator validator;
  const bool can_go_on = websocket::unmask_text(masked.bytes(), key, validator);
  WSPUSH_CHECK((can_go_on && validator.is_complete()) == is_valid);
  WSPUSH_CHECK(!is_valid || masked.view() == input);
}

}  // namespace wspush::fuzz
