#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "wspush/base/bytes.hpp"

#include "websocket/frame_error.hpp"

struct z_stream_s;  // zlib's, which stays in the .cpp

// The payload of a compressed message (RFC 7692 §7.2): DEFLATE blocks that end at a byte boundary
// with an empty stored block, of which the last four bytes are not sent:
//
//   | DEFLATE blocks ... | 00 |  00 00 ff ff
//                               \_ cut off by the sender, put back by the receiver
namespace wspush::websocket {

/// Memory that output is made in, kept from message to message so that none of them allocates; one
/// that had to grow large is given back. One serves all streams of a thread, for one result at a
/// time.
class ScratchBuffer {
 public:
  /// What is kept between messages. Bytes.
  static constexpr std::size_t kKeptBytesMax = 256 * 1024;

  MutableBytes view() { return {memory_.get(), size_}; }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }

  /// Forgets what is in it.
  void clear();
  /// At least `bytes` of room behind what is in it. May throw std::bad_alloc.
  MutableBytes reserve(std::size_t bytes);
  /// `bytes` of that room are used now.
  void commit(std::size_t bytes) { size_ += bytes; }
  void shrink(std::size_t bytes) { size_ -= bytes; }
  void append(ByteView bytes);

 private:
  std::unique_ptr<char[]> memory_;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
};

/// Compresses messages. May throw std::bad_alloc when made. Not movable: zlib points back into it.
/// Thread: the owner's.
class Deflater {
 public:
  struct Options {
    int window_bits = 15;  ///< as agreed, 8 to 15
    int level = 1;         ///< 1 to 9
    int memory_level = 8;  ///< 1 to 9: of the hash table and the symbols waiting
    /// Context takeover: a message may refer to those before it.
    bool keeps_context = false;
  };

  explicit Deflater(const Options& options);
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  /// The compressed payload of a message that consists of `parts`, in `scratch`, whose old content
  /// is dropped. No byte of it refers further back than 2^window_bits.
  ///
  /// Without context takeover: nothing where that would not be smaller than the message. With it
  /// there is always a result, as the receiver's window has to see what ours has seen.
  /// Lifetime of the view: `scratch`. Cost: O(bytes); without context takeover also the clearing of
  /// the hash table, 2^(memory_level + 8) bytes.
  std::optional<ByteView> deflate(std::span<const ByteView> parts, ScratchBuffer& scratch);

 private:
  std::unique_ptr<z_stream_s> stream_;
  bool keeps_context_;
};

/// Decompresses messages. May throw std::bad_alloc, when made and with the first message. Not
/// movable. Thread: the owner's.
class Inflater {
 public:
  struct Options {
    int window_bits = 15;  ///< as agreed, 8 to 15; a larger one takes what a smaller one sends
    bool keeps_context = false;
  };
  /// What one message may become; it is given up at the first byte above.
  struct Bounds {
    std::uint64_t message_bytes_max = 0;
    std::uint64_t ratio_max = 0;  ///< times the compressed bytes
  };
  /// Output is asked for in steps of so many bytes, so that a bomb costs no more than what is
  /// allowed and one step.
  static constexpr std::size_t kStepBytes = 16 * 1024;

  explicit Inflater(const Options& options);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Decompresses the payload of one message into `scratch`, whose old content is dropped.
  ///
  /// A block may be marked as the last one (BFINAL): what follows it, padded to a byte, is more
  /// blocks, and the window stays (§7.2.3.4); if nothing follows, the message is complete.
  /// Errors: kInvalidDeflate (not blocks, or they end early; an empty payload too),
  /// kMessageTooBig, kInflatesTooFar. With context takeover no message can follow an error.
  /// Cost: O(bytes in and out).
  FrameError inflate(ByteView payload, Bounds bounds, ScratchBuffer& scratch);

 private:
  enum class State { kInMessage, kBehindFinalBlock };

  FrameError feed(ByteView bytes, std::uint64_t bytes_max, ScratchBuffer& scratch, State& state);

  std::unique_ptr<z_stream_s> stream_;
  bool keeps_context_;
};

}  // namespace wspush::websocket
