#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "wspush/base/bytes.hpp"

namespace wspush::api {

/// Cuts text that comes in pieces into lines. A line that lies in one piece is not copied; the
/// beginning of one that does not is kept, never more than `line_bytes_max` of it.
/// Pure. Thread: the owner's.
class LineSplitter {
 public:
  struct Line {
    ByteView text;             ///< without its line feed; empty when it is too long
    bool is_too_long = false;  ///< it was skipped to its end
  };

  explicit LineSplitter(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

  /// The next line that ends in `piece`, which is moved on behind it; none when `piece` is used up.
  /// Lifetime: the line until the next call, or until the piece goes.
  std::optional<Line> next(ByteView& piece);

  /// What stands behind the last line feed, if anything.
  std::optional<Line> finish();

 private:
  Line take_line(ByteView rest);

  std::size_t line_bytes_max_;
  std::string partial_;
  bool is_skipping_ = false;
  bool is_handed_out_ = false;  ///< `partial_` is a line that was returned
};

}  // namespace wspush::api
