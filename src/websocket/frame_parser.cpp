#include "websocket/frame_parser.hpp"

#include <algorithm>
#include <cstring>

#include "base/check.hpp"

namespace wspush::websocket {
namespace {

constexpr std::size_t kLeftAt = 0;
constexpr std::size_t kKeyAt = sizeof(std::uint64_t);

}  // namespace

FrameError FrameParser::take_header(MutableBytes& input, HeaderRules rules,
                                    FrameHeader& header) noexcept {
  WSPUSH_ASSERT(!is_in_frame_);
  if (kept_bytes_ == 0) [[likely]] {
    const FrameError error = parse_frame_header(as_view(input), rules, header);
    if (error != FrameError::kNone) {
      return error;
    }
    if (header.header_bytes != 0) {
      const auto first_byte = static_cast<std::uint8_t>(input[0]);
      input = input.subspan(header.header_bytes);
      enter_frame(header, first_byte);
      return FrameError::kNone;
    }
  }
  // A header that was cut, now or before. Put it together with as much of the input as a header can
  // take; the excess stays in the input.
  std::array<char, kFrameHeaderBytesMax> whole{};
  const std::size_t kept = kept_bytes_;
  const std::size_t fresh = std::min(input.size(), whole.size() - kept);
  std::copy_n(room_.begin(), kept, whole.begin());
  std::copy_n(input.begin(), fresh, whole.data() + kept);
  const FrameError error = parse_frame_header({whole.data(), kept + fresh}, rules, header);
  if (error != FrameError::kNone) {
    return error;
  }
  if (header.header_bytes == 0) {
    WSPUSH_ASSERT(fresh == input.size() && kept + fresh <= room_.size());
    std::copy_n(whole.begin(), kept + fresh, room_.begin());
    kept_bytes_ = static_cast<std::uint8_t>((kept + fresh) & 0x7FU);
    input = input.subspan(fresh);
    return FrameError::kNone;
  }
  input = input.subspan(header.header_bytes - kept);
  enter_frame(header, static_cast<std::uint8_t>(whole[0]));
  return FrameError::kNone;
}

void FrameParser::enter_frame(const FrameHeader& header, std::uint8_t first_byte) noexcept {
  std::memcpy(room_.data() + kLeftAt, &header.payload_bytes, sizeof header.payload_bytes);
  std::memcpy(room_.data() + kKeyAt, header.masking_key.data(), sizeof(MaskingKey));
  first_byte_ = first_byte;
  kept_bytes_ = 0;
  is_masked_ = header.masked;
  is_in_frame_ = true;
}

FramePiece FrameParser::take_payload(MutableBytes& input, Utf8Validator* text) noexcept {
  WSPUSH_ASSERT(is_in_frame_);
  std::uint64_t left = 0;
  MaskingKey key{};
  std::memcpy(&left, room_.data() + kLeftAt, sizeof left);
  std::memcpy(key.data(), room_.data() + kKeyAt, sizeof key);

  const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(left, input.size()));
  FramePiece piece{.payload = input.first(bytes), .payload_left = left - bytes};
  input = input.subspan(bytes);
  if (!is_masked_) {
    piece.is_valid_text = text == nullptr || text->feed(as_view(piece.payload));
  } else if (text == nullptr) {
    unmask(piece.payload, key);
  } else {
    piece.is_valid_text = unmask_text(piece.payload, key, *text);
  }

  if (piece.is_last()) {
    is_in_frame_ = false;
  } else {
    key = rotated(key, bytes);
    std::memcpy(room_.data() + kLeftAt, &piece.payload_left, sizeof piece.payload_left);
    std::memcpy(room_.data() + kKeyAt, key.data(), sizeof key);
  }
  return piece;
}

}  // namespace wspush::websocket
