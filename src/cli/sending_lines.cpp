#include "cli/sending_lines.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "http/response_writer.hpp"

namespace wspush::cli {

namespace {

constexpr std::size_t kChunkEndBytes = 2;  // CR LF

}  // namespace

void SendingLines::begin(ByteView head) {
  cut();
  lines_before_ = lines_sent_;
  is_last_chunk_made_ = false;
  wire_.append(head);
}

void SendingLines::cut() {
  if (chunk_bytes_ > 0) {
    // What of the chunk is still here was not sent.
    const std::size_t left = wire_.size() - std::min(wire_.size(), kChunkEndBytes);
    const std::size_t unsent = std::min(left, chunk_bytes_);
    taken_bytes_ -= unsent;
    drop_lines_sent(chunk_bytes_ - unsent);
  }
  chunk_bytes_ = 0;
  taken_bytes_ = 0;
  wire_.clear();
}

ByteView SendingLines::next() {
  if (wire_.empty() && taken_bytes_ < lines_.size()) {
    const ByteView payload = lines_.view().substr(taken_bytes_, kChunkBytesMax);
    std::string chunk;
    http::append_chunk(chunk, payload);
    wire_.append(chunk);
    chunk_bytes_ = payload.size();
    taken_bytes_ += chunk_bytes_;
  } else if (wire_.empty() && has_ended_ && !is_last_chunk_made_) {
    std::string chunk;
    http::append_last_chunk(chunk);
    wire_.append(chunk);
    is_last_chunk_made_ = true;
  }
  return wire_.view();
}

void SendingLines::sent(std::size_t bytes) {
  wire_.drop(bytes);
  if (wire_.empty()) {
    drop_lines_sent(std::exchange(chunk_bytes_, 0));
  }
}

/// Drops the whole lines in the first `taken_bytes_`, the last `chunk_bytes` of which are new.
void SendingLines::drop_lines_sent(std::size_t chunk_bytes) {
  const std::size_t searched = taken_bytes_ - chunk_bytes;
  const std::size_t end = lines_.view().substr(searched, chunk_bytes).rfind('\n');
  if (end == ByteView::npos) {
    return;
  }
  const ByteView whole = lines_.view().substr(0, searched + end + 1);
  lines_sent_ += static_cast<std::uint64_t>(std::ranges::count(whole, '\n'));
  taken_bytes_ -= whole.size();
  lines_.drop(whole.size());
}

}  // namespace wspush::cli
