#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// The payload of a compressed message by the plainest reading of RFC 1951 and RFC 7692 §7.2.2: bit
// by bit, codes found by counting, no zlib.
namespace wspush::fuzz {

class PlainInflate {
 public:
  enum class Result : std::uint8_t {
    kComplete,
    kInvalid,
    kTooLong,  ///< more than `bytes_max`; what follows was not read
  };

  /// `payload` without its tail. `history`: the messages before, that it may refer to as far back
  /// as `window` bytes.
  PlainInflate(std::string_view payload, std::string_view history, std::size_t window,
               std::uint64_t bytes_max)
      : bytes_(payload),
        out_(history),
        history_bytes_(history.size()),
        window_(window),
        bytes_max_(bytes_max) {
    payload_bytes_ = bytes_.size();
    bytes_ += std::string_view("\0\0\xff\xff", 4);
    result_ = read();
  }

  Result result() const { return result_; }
  std::string message() const { return out_.substr(history_bytes_); }
  std::uint64_t bytes_seen() const { return out_.size() - history_bytes_; }

 private:
  struct Failed {};

  /// Codes by their lengths: `counts[n]` codes of n bits, their symbols in order.
  struct Codes {
    std::array<int, 16> counts{};
    std::vector<int> symbols;
    bool is_complete = false;
    int used = 0;
  };

  bool has_failed() const { return has_failed_; }
  unsigned fail() {
    has_failed_ = true;
    return 0;
  }

  unsigned bit() {
    if (at_ >= bytes_.size() * 8) {
      return fail();
    }
    const unsigned value = unsigned{static_cast<unsigned char>(bytes_[at_ / 8])} >> (at_ % 8) & 1U;
    ++at_;
    return value;
  }
  unsigned bits(unsigned count) {
    unsigned value = 0;
    for (unsigned i = 0; i < count; ++i) {
      value |= bit() << i;
    }
    return value;
  }

  static Codes codes_of(const std::vector<int>& lengths) {
    Codes codes;
    int left = 1 << 15;
    for (int length = 1; length <= 15; ++length) {
      for (std::size_t symbol = 0; symbol < lengths.size(); ++symbol) {
        if (lengths[symbol] == length) {
          codes.symbols.push_back(static_cast<int>(symbol));
          ++codes.counts[static_cast<std::size_t>(length)];
          ++codes.used;
          left -= 1 << (15 - length);
        }
      }
    }
    codes.is_complete = left == 0;
    return codes;
  }

  int symbol(const Codes& codes) {
    int code = 0;
    int first = 0;
    int index = 0;
    for (std::size_t length = 1; length <= 15; ++length) {
      code |= static_cast<int>(bit());
      if (has_failed()) {
        return 0;
      }
      const int count = codes.counts[length];
      if (code - first < count) {
        return codes.symbols[static_cast<std::size_t>(index + code - first)];
      }
      index += count;
      first = (first + count) * 2;
      code *= 2;
    }
    return static_cast<int>(fail());
  }

  bool is_too_long() const { return bytes_seen() > bytes_max_; }

  void read_stored() {
    at_ = (at_ + 7) / 8 * 8;
    const unsigned size = bits(16);
    if (bits(16) != (size ^ 0xffffU)) {
      fail();
    }
    for (unsigned i = 0; i < size && !has_failed() && !is_too_long(); ++i) {
      const char byte = static_cast<char>(bits(8));
      if (!has_failed()) {
        out_ += byte;
      }
    }
  }

  void read_codes(const Codes& literals, const Codes& distances) {
    for (;;) {
      const int value = symbol(literals);
      if (has_failed() || value == 256 || is_too_long()) {
        return;
      }
      if (value < 256) {
        out_ += static_cast<char>(value);
        continue;
      }
      if (value > 285) {
        fail();
        return;
      }
      const unsigned length = length_of(static_cast<unsigned>(value) - 257);
      const int code = symbol(distances);
      if (has_failed() || code > 29) {
        fail();
        return;
      }
      const std::size_t distance = distance_of(static_cast<unsigned>(code));
      if (has_failed() || distance > out_.size() || distance > window_) {
        fail();
        return;
      }
      for (unsigned i = 0; i < length; ++i) {
        out_ += out_[out_.size() - distance];
      }
    }
  }

  unsigned length_of(unsigned code) {
    if (code == 28) {
      return 258;
    }
    if (code < 8) {
      return 3 + code;
    }
    const unsigned extra = code / 4 - 1;
    return 3 + ((4 + code % 4) << extra) + bits(extra);
  }
  std::size_t distance_of(unsigned code) {
    if (code < 4) {
      return 1 + code;
    }
    const unsigned extra = code / 2 - 1;
    return 1 + ((2 + code % 2) << extra) + bits(extra);
  }

  void read_fixed() {
    std::vector<int> lengths(288);
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    }
    read_codes(codes_of(lengths), codes_of(std::vector<int>(32, 5)));
  }

  void read_dynamic() {
    const std::size_t literals = 257 + bits(5);
    const std::size_t distances = 1 + bits(5);
    const unsigned code_lengths = 4 + bits(4);
    if (literals > 286 || distances > 30) {
      fail();
      return;
    }
    constexpr std::array<std::size_t, 19> kOrder = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                    11, 4,  12, 3, 13, 2, 14, 1, 15};
    std::vector<int> of_lengths(19);
    for (unsigned i = 0; i < code_lengths; ++i) {
      of_lengths[kOrder[i]] = static_cast<int>(bits(3));
    }
    const Codes length_codes = codes_of(of_lengths);
    if (has_failed() || !is_usable(of_lengths, length_codes, false)) {
      fail();
      return;
    }
    std::vector<int> lengths;
    while (lengths.size() < literals + distances && !has_failed()) {
      const int value = symbol(length_codes);
      if (value < 16) {
        lengths.push_back(value);
        continue;
      }
      if (value == 16 && lengths.empty()) {
        fail();
        return;
      }
      const unsigned times = value == 16 ? 3 + bits(2) : value == 17 ? 3 + bits(3) : 11 + bits(7);
      lengths.insert(lengths.end(), times, value == 16 ? lengths.back() : 0);
    }
    if (has_failed() || lengths.size() != literals + distances || lengths[256] == 0) {
      fail();
      return;
    }
    const auto middle = lengths.begin() + static_cast<std::ptrdiff_t>(literals);
    const std::vector<int> of_literals(lengths.begin(), middle);
    const std::vector<int> of_distances(middle, lengths.end());
    const Codes literal_codes = codes_of(of_literals);
    const Codes distance_codes = codes_of(of_distances);
    if (!is_usable(of_literals, literal_codes, true) ||
        !is_usable(of_distances, distance_codes, true)) {
      fail();
      return;
    }
    read_codes(literal_codes, distance_codes);
  }

  /// A set of codes leaves no bits unused; but for a single code of one bit, where that is allowed,
  /// and none at all.
  static bool is_usable(const std::vector<int>& lengths, const Codes& codes, bool may_be_single) {
    int left = 1 << 15;
    for (const int length : lengths) {
      left -= length == 0 ? 0 : 1 << (15 - length);
    }
    return left == 0 ||
           (may_be_single && (codes.used == 0 || (codes.used == 1 && codes.counts[1] == 1)));
  }

  Result read() {
    // Without a final block the tail ends the message; behind one whole bytes follow, or none.
    for (;;) {
      const bool is_final = bit() != 0;
      const unsigned kind = bits(2);
      if (!has_failed()) {
        kind == 0   ? read_stored()
        : kind == 1 ? read_fixed()
        : kind == 2 ? read_dynamic()
                    : static_cast<void>(fail());
      }
      if (is_too_long()) {
        return Result::kTooLong;
      }
      if (has_failed()) {
        return Result::kInvalid;
      }
      if (is_final) {
        at_ = (at_ + 7) / 8 * 8;
        if (at_ == payload_bytes_ * 8) {
          return Result::kComplete;
        }
      }
      if (at_ == bytes_.size() * 8) {
        return Result::kComplete;
      }
    }
  }

  std::string bytes_;
  std::string out_;
  std::size_t history_bytes_;
  std::size_t window_;
  std::uint64_t bytes_max_;
  std::size_t payload_bytes_ = 0;
  std::size_t at_ = 0;  ///< bits
  bool has_failed_ = false;
  Result result_ = Result::kInvalid;
};

}  // namespace wspush::fuzz
