#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "wspush/base/bytes.hpp"

#include "http/body_reader.hpp"
#include "http/response_parser.hpp"

namespace wspush::cli {

/// Answers of wspushd are short; the longest one tells of 100 bad lines.
inline constexpr std::size_t kResponseBodyBytesMax = std::size_t{1} << 20;

/// Reads one HTTP response to its end and keeps its body. Interim responses (1xx) are passed over,
/// but for 101. Pure. Memory: the head, and kResponseBodyBytesMax. Cost: O(bytes).
class ResponseReader {
 public:
  enum class Status : std::uint8_t {
    kNeedMore,
    kComplete,
    kUpgraded,  ///< 101: what is left of the input belongs to the new protocol
    kError,     ///< `error()`
  };

  explicit ResponseReader(std::string_view method) : method_(method) {}

  /// Takes input from its front. After kComplete, kUpgraded or kError do not call again.
  Status feed(ByteView& input);

  /// The connection has ended.
  Status on_end();

  bool has_head() const { return has_head_; }
  int status() const { return status_; }
  /// The head's bytes, its empty line included.
  const std::string& head_bytes() const { return head_bytes_; }
  const std::string& body() const { return body_; }
  /// Of a Retry-After in seconds.
  std::optional<std::chrono::seconds> retry_after() const { return retry_after_; }
  const std::string& error() const { return error_; }

  /// What the server says of a refusal, for the user: "503, full: the server is full".
  std::string describe_refusal() const;

 private:
  Status feed_head(ByteView& input);
  Status feed_body(ByteView& input);
  Status fail(std::string_view why);

  std::string_view method_;
  http::ResponseHeadParser parser_;
  http::BodyReader reader_;
  std::string head_bytes_;
  std::string body_;
  std::string error_;
  std::optional<std::chrono::seconds> retry_after_;
  int status_ = 0;
  bool has_head_ = false;
};

}  // namespace wspush::cli
