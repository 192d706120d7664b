#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "unit/base/slow_utf8.hpp"
#include "websocket/message_assembler.hpp"

namespace wspush::websocket {

/// An event as a line: "text:hello", "close:1000:bye", "error:1002".
inline std::string line_of(std::string_view kind, std::string_view detail) {
  return std::string(kind) + ":" + std::string(detail);
}

/// What a client's byte stream says up to now, by the plainest reading of RFC 6455 §5 that there
/// is: the whole stream in one string, everything copied, nothing clever. A stream that stops
/// anywhere is judged by what is there.
class ReferenceCodec {
 public:
  ReferenceCodec(std::string_view stream, const MessageRules& rules)
      : stream_(stream), rules_(rules) {}

  std::vector<std::string> events() {
    while (read_frame()) {
    }
    return lines_;
  }

 private:
  bool stop(int code) {
    lines_.push_back(line_of("error", std::to_string(code)));
    return false;
  }

  unsigned take_byte() { return static_cast<unsigned char>(stream_[at_++]); }
  std::size_t left() const { return stream_.size() - at_; }

  /// False when the stream ends, with or without an error.
  bool read_frame() {
    if (left() < 1) {
      return false;
    }
    const unsigned first = take_byte();
    const unsigned opcode = first % 16;
    const bool is_control = opcode >= 8;
    const bool fin = first >= 128;
    if ((first & 0x70) != 0 || (opcode > 2 && opcode < 8) || opcode > 10 || (is_control && !fin)) {
      return stop(1002);
    }
    if (left() < 1) {
      return false;
    }
    const unsigned second = take_byte();
    std::uint64_t length = second % 128;
    if (second < 128 || (is_control && length > 125)) {
      return stop(1002);
    }
    if (length >= 126) {
      const std::size_t bytes = length == 126 ? 2 : 8;
      if (left() < bytes) {
        return false;
      }
      length = 0;
      for (std::size_t i = 0; i < bytes; ++i) {
        length = length * 256 + take_byte();
      }
      if (length < 126 || (bytes == 8 && length < 65'536) || length > INT64_MAX) {
        return stop(1002);
      }
    }
    if (left() < 4) {
      return false;
    }
    const std::string_view key = stream_.substr(at_, 4);
    at_ += 4;
    if (!is_control) {
      if ((opcode == 0) != is_in_message_) {
        return stop(1002);
      }
      if (opcode != 0) {
        is_in_message_ = true;
        message_opcode_ = opcode;
        message_.clear();
        frames_ = 0;
      }
      if (++frames_ > rules_.frames_per_message_max) {
        return stop(1008);
      }
      if (length > rules_.message_bytes_max - message_.size()) {
        return stop(1009);
      }
    }
    std::string payload;
    for (; payload.size() < length && left() > 0;) {
      const auto i = payload.size();
      payload += static_cast<char>(static_cast<char>(take_byte()) ^ key[i % 4]);
    }
    return is_control ? end_control(opcode, payload, payload.size() == length)
                      : end_data(payload, payload.size() == length, fin);
  }

  bool end_data(const std::string& payload, bool is_whole, bool fin) {
    message_ += payload;
    if (message_opcode_ == 1 && !slow_can_become_valid(message_)) {
      return stop(1007);
    }
    if (is_whole && fin) {
      if (message_opcode_ == 1 && !slow_is_valid(message_)) {
        return stop(1007);
      }
      lines_.push_back(line_of(message_opcode_ == 1 ? "text" : "binary", message_));
      is_in_message_ = false;
    }
    return is_whole;
  }

  bool end_control(unsigned opcode, const std::string& payload, bool is_whole) {
    if (!is_whole) {
      return false;
    }
    if (opcode != 8) {
      lines_.push_back(line_of(opcode == 9 ? "ping" : "pong", payload));
      return true;
    }
    if (payload.empty()) {
      lines_.push_back("close:1005:");
      return false;
    }
    if (payload.size() == 1) {
      return stop(1002);
    }
    const unsigned code =
        static_cast<unsigned char>(payload[0]) * 256U + static_cast<unsigned char>(payload[1]);
    const bool is_reserved = code < 1000 || (code >= 1004 && code <= 1006) ||
                             (code >= 1015 && code <= 2999) || code > 4999;
    if (is_reserved) {
      return stop(1002);
    }
    if (!slow_is_valid(payload.substr(2))) {
      return stop(1007);
    }
    lines_.push_back(line_of("close", std::to_string(code) + ":" + payload.substr(2)));
    return false;
  }

  std::string_view stream_;
  MessageRules rules_;
  std::size_t at_ = 0;
  bool is_in_message_ = false;
  unsigned message_opcode_ = 0;
  std::uint32_t frames_ = 0;
  std::string message_;
  std::vector<std::string> lines_;
};

}  // namespace wspush::websocket
