#include <string>

#include "base/check.hpp"
#include "cli/response_reader.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/http_oracle.hpp"
#include "unit/http/parsed_head.hpp"

// An answer as the companion tool reads it: head, framing and body, the same however it is cut.
namespace wspush::fuzz {
namespace {

using cli::ResponseReader;

std::string describe_response(const http::ResponseHeadParser& parser) {
  const http::ResponseHead& head = parser.head();
  std::string text = std::to_string(parser.head_bytes()) + " " + std::to_string(head.status) + " " +
                     std::string(head.reason) + "|" +
                     (head.content_length ? std::to_string(*head.content_length) : "-") +
                     (head.is_chunked ? " chunked" : "") + (head.keep_alive ? " keep" : "");
  for (std::size_t i = 0; i < head.headers.size(); ++i) {
    text.append("|").append(head.headers[i].name).append("=").append(head.headers[i].value);
  }
  return text;
}

void check_head(ByteView input) {
  http::ResponseHeadParser whole_parser;
  const std::string whole = http::outcome_in_pieces(
      whole_parser, input, [&](std::size_t) { return input.size(); }, describe_response);
  SplitMix64 chance = chance_of(input);
  http::ResponseHeadParser parser;
  const std::uint64_t longest = 1 + input.size() / 32;
  const std::string cut = http::outcome_in_pieces(
      parser, input,
      [&](std::size_t) { return static_cast<std::size_t>(1 + chance.below(longest)); },
      describe_response);
  WSPUSH_CHECK(cut == whole);
  WSPUSH_CHECK(parser.bytes_examined() <= input.size());

  http::ResponseHeadParser once;
  const auto plain = plain_head(input, 0);
  if (once.parse(input) == http::HeadStatus::kComplete) {
    WSPUSH_CHECK(plain.has_value() && plain->bytes == once.head_bytes());
    WSPUSH_CHECK(plain->first_line.starts_with("HTTP/1.") &&
                 plain->first_line.substr(9, 3) == std::to_string(once.head().status));
    WSPUSH_CHECK(once.head().status >= 100 && once.head().status <= 999);
    WSPUSH_CHECK(plain->fields.size() == once.head().headers.size());
  }
}

/// What came of the reader, and what it left of the input.
template <typename NextPiece>
std::string read(std::string_view method, ByteView input, NextPiece&& next_piece) {
  ResponseReader reader(method);
  auto status = ResponseReader::Status::kNeedMore;
  std::size_t left = input.size();
  while (left > 0 && status == ResponseReader::Status::kNeedMore) {
    const Copy piece(input.substr(input.size() - left, next_piece()));
    ByteView rest = piece.view();
    status = reader.feed(rest);
    WSPUSH_CHECK(rest.size() <= piece.view().size());
    // What is not finished has nothing left over.
    WSPUSH_CHECK(status != ResponseReader::Status::kNeedMore || rest.empty());
    left -= piece.view().size() - rest.size();
  }
  if (status == ResponseReader::Status::kNeedMore) {
    status = reader.on_end();
  }
  WSPUSH_CHECK(status != ResponseReader::Status::kNeedMore);
  WSPUSH_CHECK(reader.body().size() <= cli::kResponseBodyBytesMax);
  std::string text =
      std::to_string(static_cast<int>(status)) + " " + std::to_string(reader.status());
  if (status == ResponseReader::Status::kError) {
    WSPUSH_CHECK(!reader.error().empty());
    return text + " " + reader.error();
  }
  WSPUSH_CHECK(reader.has_head());
  WSPUSH_CHECK(!reader.describe_refusal().empty());
  return text + " " + std::to_string(left) + " " + reader.head_bytes() + reader.body();
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 20'000) {
    return;
  }
  check_head(input);
  for (const std::string_view method : {"GET", "HEAD"}) {
    const std::string whole = read(method, input, [&] { return input.size(); });
    SplitMix64 chance = chance_of(input);
    const std::uint64_t longest = 1 + input.size() / 32;
    WSPUSH_CHECK(read(method, input, [&] {
                   return static_cast<std::size_t>(1 + chance.below(longest));
                 }) == whole);
    if (input.size() <= 512) {
      WSPUSH_CHECK(read(method, input, [] { return std::size_t{1}; }) == whole);
    }
  }
}

}  // namespace wspush::fuzz
