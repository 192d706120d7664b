#include "cli/response_reader.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "http/message_framing.hpp"

namespace wspush::cli {

ResponseReader::Status ResponseReader::feed(ByteView& input) {
  while (!has_head_) {
    const Status status = feed_head(input);
    if (status != Status::kComplete) {
      return status;
    }
  }
  return feed_body(input);
}

/// kComplete: a head is whole, be it an interim one.
ResponseReader::Status ResponseReader::feed_head(ByteView& input) {
  const std::size_t had = head_bytes_.size();
  head_bytes_ += input;
  switch (parser_.parse(head_bytes_)) {
    case http::HeadStatus::kNeedMore:
      input = {};
      return Status::kNeedMore;
    case http::HeadStatus::kError:
      return fail(parser_.error().message);
    case http::HeadStatus::kComplete:
      break;
  }
  input.remove_prefix(parser_.head_bytes() - had);
  const http::ResponseHead& head = parser_.head();
  status_ = head.status;
  if (status_ >= 100 && status_ < 200 && status_ != 101) {
    head_bytes_.clear();
    parser_.reset();
    return Status::kComplete;
  }
  has_head_ = true;
  if (const auto value = head.headers.find("Retry-After")) {
    // The other form, a date, would need this machine's clock to be right.
    if (const auto seconds = http::parse_content_length(*value)) {
      constexpr std::uint64_t kDay = 86400;
      retry_after_ = std::chrono::seconds(std::min(*seconds, kDay));
    }
  }
  reader_ = http::BodyReader::for_response(head, method_);
  head_bytes_.resize(parser_.head_bytes());
  return status_ == 101 ? Status::kUpgraded : Status::kComplete;
}

ResponseReader::Status ResponseReader::feed_body(ByteView& input) {
  while (true) {
    const http::BodyStep step = reader_.next(input);
    input.remove_prefix(step.consumed);
    switch (step.status) {
      case http::BodyStatus::kNeedMore:
        return Status::kNeedMore;
      case http::BodyStatus::kEnd:
        return Status::kComplete;
      case http::BodyStatus::kError:
        return fail(reader_.error().message);
      case http::BodyStatus::kPiece:
        if (step.piece.size() > kResponseBodyBytesMax - body_.size()) {
          return fail("the answer is longer than 1 MiB");
        }
        body_ += step.piece;
        break;
    }
  }
}

ResponseReader::Status ResponseReader::on_end() {
  if (has_head_ && reader_.may_end_with_connection()) {
    return Status::kComplete;
  }
  return fail(has_head_ || !head_bytes_.empty() ? "the server hung up in the middle of its answer"
                                                : "the server hung up without an answer");
}

ResponseReader::Status ResponseReader::fail(std::string_view why) {
  error_ = why;
  return Status::kError;
}

std::string ResponseReader::describe_refusal() const {
  std::string text = std::to_string(status_);
  const auto object = parse_json_object(body_);
  const JsonValue* error = object ? object->find("error") : nullptr;
  if (error == nullptr || !error->is_object()) {
    return text;
  }
  const JsonObject members = error->as_object();
  std::string scratch;
  if (const JsonValue* code = members.find("code")) {
    text.append(", ").append(code->string(scratch));
  }
  if (const JsonValue* message = members.find("message")) {
    text.append(": ").append(message->string(scratch));
  }
  return text;
}

}  // namespace wspush::cli
