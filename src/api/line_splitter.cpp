#include "api/line_splitter.hpp"

#include <algorithm>

namespace wspush::api {

std::optional<LineSplitter::Line> LineSplitter::next(ByteView& piece) {
  if (is_handed_out_) {
    partial_.clear();
    is_handed_out_ = false;
  }
  const std::size_t end = piece.find('\n');
  const ByteView text = piece.substr(0, end);
  piece.remove_prefix(end == ByteView::npos ? piece.size() : end + 1);
  if (end != ByteView::npos) {
    return take_line(text);
  }
  if (!is_skipping_ && text.size() > line_bytes_max_ - partial_.size()) {
    is_skipping_ = true;
    partial_ = std::string();
  }
  if (!is_skipping_) {
    partial_ += text;
  }
  return std::nullopt;
}

std::optional<LineSplitter::Line> LineSplitter::finish() {
  if (is_handed_out_ || (partial_.empty() && !is_skipping_)) {
    return std::nullopt;
  }
  return take_line({});
}

LineSplitter::Line LineSplitter::take_line(ByteView rest) {
  if (is_skipping_ || rest.size() > line_bytes_max_ - partial_.size()) {
    is_skipping_ = false;
    partial_.clear();
    return {.text = {}, .is_too_long = true};
  }
  if (partial_.empty()) {
    return {.text = rest, .is_too_long = false};
  }
  partial_ += rest;
  is_handed_out_ = true;
  return {.text = partial_, .is_too_long = false};
}

}  // namespace wspush::api
