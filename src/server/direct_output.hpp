#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <sys/uio.h>

#include "wspush/base/bytes.hpp"

namespace wspush::server {

/// What a connection says while its input is at hand, on its way to the socket by one call when
/// the input has been used: nothing is queued, and what is sent back as it came (echo) is not even
/// copied. One for each reactor, as one connection reads at a time. Thread: the reactor's.
class DirectOutput {
 public:
  /// What is copied together. A body from this size on is sent from where it lies in the input: to
  /// the kernel two more parts are taken to cost as much as copying 4 KiB.
  static constexpr std::size_t kCopiedBytesMax = 64 * 1024;
  static constexpr std::size_t kBorrowedBytesMin = 4096;
  static constexpr std::size_t kPiecesMax = 64;

  DirectOutput() : copies_(std::make_unique<char[]>(kCopiedBytesMax)) {}

  /// From now on what `owner` says is taken; `input` stays where it is until `close`.
  void open(const void* owner, ByteView input) {
    owner_ = owner;
    input_ = input;
  }
  bool is_open_for(const void* owner) const { return owner_ == owner; }
  /// Drops what is here.
  void close() {
    clear();
    owner_ = nullptr;
    input_ = {};
  }

  bool is_empty() const { return count_ == 0; }
  std::size_t bytes() const { return bytes_; }
  bool has_room(ByteView head, ByteView body) const {
    const std::size_t copied = head.size() + (is_borrowed(body) ? 0 : body.size());
    return count_ + 2 <= kPiecesMax && copied <= kCopiedBytesMax - copied_;
  }
  /// Only where there is room.
  void add(ByteView head, ByteView body);

  /// What has been taken, in order. Lifetime: until the next call of something else.
  std::span<const iovec> pieces() const { return std::span(pieces_).first(count_); }
  void clear() {
    count_ = 0;
    copied_ = 0;
    bytes_ = 0;
  }

 private:
  bool is_borrowed(ByteView body) const {
    const std::less_equal<const char*> is_not_behind;
    return body.size() >= kBorrowedBytesMin && is_not_behind(input_.data(), body.data()) &&
           is_not_behind(body.data() + body.size(), input_.data() + input_.size());
  }
  void extend(std::size_t count);

  const void* owner_ = nullptr;
  ByteView input_;
  std::unique_ptr<char[]> copies_;
  std::array<iovec, kPiecesMax> pieces_;
  std::size_t count_ = 0;   ///< of pieces
  std::size_t copied_ = 0;  ///< bytes of `copies_` in use
  std::size_t bytes_ = 0;   ///< of all pieces
};

}  // namespace wspush::server
