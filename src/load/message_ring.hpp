#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "load/options.hpp"

namespace wspush::load {

/// The messages that an echo sends, made once: masked frames, compressed where that was agreed on.
/// Message `i` is number `i` modulo their count, so that two that changed places are seen.
class MessageRing {
 public:
  explicit MessageRing(const Options& options);

  std::string_view frame(std::uint64_t index) const { return frames_[place(index)]; }
  std::string_view payload(std::uint64_t index) const { return payloads_[place(index)]; }

 private:
  std::size_t place(std::uint64_t index) const {
    return static_cast<std::size_t>(index % frames_.size());
  }

  std::vector<std::string> frames_;
  std::vector<std::string> payloads_;
};

/// `payload` as RFC 7692 wants it, without a window from before: a raw deflate stream, flushed,
/// without its last four bytes.
std::string deflate_message(std::string_view payload);

}  // namespace wspush::load
