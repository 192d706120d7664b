#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "wspush/base/bytes.hpp"
#include "wspush/base/random.hpp"

// What fuzz targets share. A target is one function that reads bytes from nowhere and checks what
// must hold whatever they are, with WSPUSH_CHECK: a broken property aborts, and is a finding.
namespace wspush::fuzz {

/// The target's body. Lifetime: `input` is borrowed for the call; nothing readable stands behind
/// it, so that a read too far is caught.
void run(ByteView input);

/// Takes decisions and pieces from the front of an input, until it is used up; then zeros.
class Draw {
 public:
  explicit Draw(ByteView input) : rest_(input) {}

  bool is_empty() const { return rest_.empty(); }

  std::uint8_t byte() {
    if (rest_.empty()) {
      return 0;
    }
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }

  /// A number below `bound`, which is at most 256.
  std::size_t below(std::size_t bound) { return byte() % bound; }

  bool coin() { return (byte() & 1U) != 0; }

  /// Big-endian.
  std::uint16_t word() {
    const auto high = static_cast<unsigned>(byte()) << 8U;
    return static_cast<std::uint16_t>(high | byte());
  }

  /// `bytes` of the input, or what is left of it.
  ByteView take(std::size_t bytes) {
    const ByteView taken = rest_.substr(0, bytes);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  /// A piece behind a byte that gives its length: in a list of them every split can be said.
  ByteView piece() {
    const std::size_t bytes = byte();
    return take(bytes);
  }

  /// All up to `separator`, which is taken too, or to the end.
  ByteView until(char separator) {
    const std::size_t end = std::min(rest_.find(separator), rest_.size());
    const ByteView taken = take(end);
    take(1);
    return taken;
  }

  ByteView rest() { return take(rest_.size()); }

 private:
  ByteView rest_;
};

/// Chance for targets whose input is a plain text: the same text gives the same splits.
inline SplitMix64 chance_of(ByteView input) {
  std::uint64_t hash = input.size() + 1;
  for (const char byte : input) {
    hash = (hash ^ static_cast<std::uint8_t>(byte)) * 0x100000001b3ULL;
  }
  return SplitMix64(hash);
}

/// Bytes of their own on the heap, no larger than they are.
class Copy {
 public:
  explicit Copy(ByteView bytes) : bytes_(new char[bytes.size()]), size_(bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), bytes_);
  }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  ~Copy() { delete[] bytes_; }

  ByteView view() const { return {bytes_, size_}; }
  MutableBytes bytes() { return {bytes_, size_}; }

 private:
  char* bytes_;
  std::size_t size_;
};

}  // namespace wspush::fuzz
