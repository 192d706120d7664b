#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wspush/base/bytes.hpp"

namespace wspush::cli {

/// The longest line of standard input. A server takes less, and says so.
inline constexpr std::size_t kLineBytesMax = std::size_t{64} << 20;

/// Turns lines of standard input into lines of a `POST /api/messages` stream, one for one, so that
/// a line has the same number there. With a topic each line is a JSON payload and is wrapped in an
/// object; one that is no JSON becomes an empty line, which the server passes over. Without a topic
/// lines go as they are: the server judges them. Pure. Thread: the owner's.
class NdjsonLines {
 public:
  struct Output {
    std::string lines;               ///< each with its line end
    std::vector<std::string> notes;  ///< about lines that are not sent
  };

  /// `message_key` may be empty.
  NdjsonLines(const std::optional<std::string>& topic, const std::string& message_key);

  /// Takes bytes as they come, cut anywhere. False: a line is longer than kLineBytesMax.
  /// Cost: O(bytes). Memory: the line that has not ended.
  bool feed(ByteView bytes, Output& output);

  /// The input has ended: its last line may have no line end.
  void finish(Output& output);

  /// Lines that were no JSON.
  std::uint64_t failed() const { return failed_; }

 private:
  void take_line(ByteView line, Output& output);

  std::string before_;  ///< `{"topic":...,"data":`; empty: lines go as they are
  std::string partial_;
  std::uint64_t line_count_ = 0;
  std::uint64_t failed_ = 0;
};

}  // namespace wspush::cli
