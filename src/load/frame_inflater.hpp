#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

struct z_stream_s;

namespace wspush::load {

/// Decompresses messages for all subscribers of a run, each with a window of its own (RFC 7692
/// without context takeover). What one of them got is remembered, so that the same bytes to the
/// next thousand cost a comparison: the generator must not be slower than what it measures.
class FrameInflater {
 public:
  FrameInflater();
  ~FrameInflater();
  FrameInflater(const FrameInflater&) = delete;
  FrameInflater& operator=(const FrameInflater&) = delete;

  /// The message, or nullopt where `payload` is none. Lifetime: until the next call.
  std::optional<std::string_view> inflate(std::string_view payload);

  /// Messages that were asked for.
  std::uint64_t count() const { return count_; }

 private:
  std::unique_ptr<z_stream_s> stream_;
  std::unordered_map<std::string, std::string> known_;
  std::size_t known_bytes_ = 0;
  std::string scratch_;  ///< the payload and its tail
  std::string_view last_payload_;
  std::string_view last_message_;
  std::uint64_t count_ = 0;
};

}  // namespace wspush::load
