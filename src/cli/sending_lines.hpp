#pragma once

#include <cstddef>
#include <cstdint>

#include "wspush/base/bytes.hpp"

#include "cli/byte_queue.hpp"

namespace wspush::cli {

/// Lines on their way into a chunked request, over several connections: a line stays until all of
/// it went to the kernel, so that the next connection begins with the line that was cut.
/// Pure. Thread: the owner's. Memory: what waits, and one chunk.
class SendingLines {
 public:
  /// The payload of one chunk.
  static constexpr std::size_t kChunkBytesMax = std::size_t{64} * 1024;

  /// Whole lines, each with its line end.
  void append(ByteView lines) { lines_.append(lines); }

  /// A new request: `head` goes first, lines that were not sent follow from their beginning.
  void begin(ByteView head);

  /// The connection is gone: a line that did not go out whole is to be sent again.
  void cut();

  /// No more lines will come: the last chunk goes behind them.
  void end() { has_ended_ = true; }

  /// What is to be sent next; empty when there is nothing. Until the next append, begin or sent.
  ByteView next();

  /// The front of next() went to the kernel.
  void sent(std::size_t bytes);

  /// Bytes that wait, those in next() included.
  std::size_t waiting_bytes() const { return lines_.size(); }
  /// Everything, and the end, went out.
  bool is_done() const { return is_last_chunk_made_ && wire_.empty(); }
  /// Lines that went out whole in requests before this one: line n of this request's answer is
  /// line n + lines_before() of all.
  std::uint64_t lines_before() const { return lines_before_; }
  /// Lines went out in this request, so that their fate hangs on its answer.
  bool has_sent_lines() const { return lines_sent_ > lines_before_; }

 private:
  void drop_lines_sent(std::size_t chunk_bytes);

  ByteQueue lines_;
  ByteQueue wire_;               ///< head or one chunk
  std::size_t taken_bytes_ = 0;  ///< of lines_: in wire_, or sent and of a line that is not whole
  std::size_t chunk_bytes_ = 0;  ///< of taken_bytes_: payload of the chunk in wire_
  std::uint64_t lines_sent_ = 0;
  std::uint64_t lines_before_ = 0;
  bool has_ended_ = false;
  bool is_last_chunk_made_ = false;
};

}  // namespace wspush::cli
