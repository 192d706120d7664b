#include "load/frame_inflater.hpp"

#include <cstdlib>

#include <zlib.h>

#include "load/wire.hpp"

namespace wspush::load {
namespace {

/// What is forgotten is inflated again.
constexpr std::size_t kKnownBytesMax = std::size_t{64} << 20;
constexpr std::size_t kStepBytes = 16384;
constexpr std::string_view kTail{"\x00\x00\xff\xff", 4};

}  // namespace

FrameInflater::FrameInflater() : stream_(std::make_unique<z_stream>()) {
  if (inflateInit2(stream_.get(), -15) != Z_OK) {
    std::abort();  // No memory, at the start.
  }
}

FrameInflater::~FrameInflater() {
  ::inflateEnd(stream_.get());
}

std::optional<std::string_view> FrameInflater::inflate(std::string_view payload) {
  ++count_;
  if (payload == last_payload_ && !payload.empty()) {
    return last_message_;
  }
  if (known_bytes_ > kKnownBytesMax) {
    known_.clear();
    known_bytes_ = 0;
    last_payload_ = {};
  }
  const auto [entry, is_new] = known_.try_emplace(std::string(payload));
  if (is_new) {
    scratch_.assign(payload).append(kTail);
    std::string& message = entry->second;
    ::inflateReset(stream_.get());
    stream_->next_in = reinterpret_cast<Bytef*>(scratch_.data());
    stream_->avail_in = static_cast<uInt>(scratch_.size());
    int status = Z_OK;
    while (status == Z_OK && message.size() <= kFrameBytesMax) {
      const std::size_t before = message.size();
      message.resize(before + kStepBytes);
      stream_->next_out = reinterpret_cast<Bytef*>(message.data() + before);
      stream_->avail_out = kStepBytes;
      status = ::inflate(stream_.get(), Z_SYNC_FLUSH);
      message.resize(message.size() - stream_->avail_out);
    }
    if (status != Z_BUF_ERROR || stream_->avail_in > 0) {
      known_.erase(entry);
      last_payload_ = {};
      return std::nullopt;
    }
    known_bytes_ += payload.size() + message.size();
  }
  last_payload_ = entry->first;
  last_message_ = entry->second;
  return last_message_;
}

}  // namespace wspush::load
