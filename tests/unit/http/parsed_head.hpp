#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>

#include "http/request_parser.hpp"

namespace wspush::http {

/// Feeds `text` to `parser` so that the head grows by the pieces that `next_piece(bytes so far)`
/// names, each time from memory of its own that is gone before the next call: a parser that keeps a
/// pointer is caught by the address sanitizer, and one that looks at old bytes by its counter.
/// Returns what there is to tell about the outcome, as text.
template <typename Parser, typename NextPiece, typename Describe>
std::string outcome_in_pieces(Parser& parser, std::string_view text, NextPiece&& next_piece,
                              Describe&& describe_head) {
  std::size_t bytes = 0;
  for (;;) {
    bytes = std::min(text.size(), bytes + next_piece(bytes));
    const auto copy = std::make_unique<char[]>(bytes + 1);
    std::copy_n(text.data(), bytes, copy.get());
    switch (parser.parse(std::string_view(copy.get(), bytes))) {
      case HeadStatus::kComplete:
        return describe_head(parser);
      case HeadStatus::kError:
        return "error " + std::to_string(parser.error().status) + " " +
               std::string(parser.error().message);
      case HeadStatus::kNeedMore:
        break;
    }
    if (bytes == text.size()) {
      return "need more";
    }
  }
}

inline std::string describe_request(const RequestHeadParser& parser) {
  const RequestHead& head = parser.head();
  std::ostringstream out;
  out << "complete after " << parser.head_bytes() << ": " << head.method << "|" << head.target
      << "|" << (head.version == Version::kHttp11 ? "1.1" : "1.0") << "|" << head.host << "|"
      << (head.content_length ? std::to_string(*head.content_length) : "-") << "|"
      << head.is_chunked << head.keep_alive << head.expects_continue;
  for (std::size_t index = 0; index < head.headers.size(); ++index) {
    out << "|" << head.headers[index].name << "=" << head.headers[index].value;
  }
  return out.str();
}

/// The outcome of a request head that comes in one piece.
inline std::string request_outcome(std::string_view text, const HeadLimits& limits = {}) {
  RequestHeadParser parser(limits);
  return outcome_in_pieces(
      parser, text, [&](std::size_t) { return text.size(); }, describe_request);
}

/// The same, the head cut in two at `split`.
inline std::string request_outcome_split(std::string_view text, std::size_t split,
                                         const HeadLimits& limits = {}) {
  RequestHeadParser parser(limits);
  return outcome_in_pieces(
      parser, text,
      [&](std::size_t bytes) { return bytes == 0 && split > 0 ? split : text.size(); },
      describe_request);
}

/// The same, byte by byte.
inline std::string request_outcome_bytewise(std::string_view text, const HeadLimits& limits = {}) {
  RequestHeadParser parser(limits);
  return outcome_in_pieces(
      parser, text, [](std::size_t) { return std::size_t{1}; }, describe_request);
}

/// A head that must be right: keeps the text that its views point to.
class ParsedHead {
 public:
  explicit ParsedHead(std::string text) : text_(std::move(text)) { status_ = parser_.parse(text_); }
  ParsedHead(const ParsedHead&) = delete;
  ParsedHead& operator=(const ParsedHead&) = delete;

  bool is_complete() const { return status_ == HeadStatus::kComplete; }
  const RequestHead& operator*() const { return parser_.head(); }
  const RequestHead* operator->() const { return &parser_.head(); }

 private:
  std::string text_;
  RequestHeadParser parser_;
  HeadStatus status_ = HeadStatus::kNeedMore;
};

}  // namespace wspush::http
