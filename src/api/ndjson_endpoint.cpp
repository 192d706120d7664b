#include "api/ndjson_endpoint.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "api/line_splitter.hpp"
#include "api/message_entry.hpp"
#include "base/json.hpp"

namespace wspush::api {
namespace {

class StreamHandler final : public http::RequestHandler, public hub::ReplySink {
 public:
  explicit StreamHandler(const Request& request)
      : context_(request.context),
        to_(request.to),
        caller_(request.caller),
        lines_(static_cast<std::size_t>(request.context.config->limits.message_bytes)) {}

  void on_head(http::Exchange& exchange) override { exchange_ = &exchange; }

  void on_body(http::Exchange& exchange, ByteView piece) override {
    if (has_ended_) {
      return;  // The answer is made of what came before the end.
    }
    while (const auto line = lines_.next(piece)) {
      on_line(*line);
    }
    if (pending_ > kStreamPendingMax && !is_paused_) {
      is_paused_ = true;
      exchange.pause_body();
    }
  }

  void on_body_end(http::Exchange& /*exchange*/) override {
    if (has_ended_) {
      return;
    }
    if (const auto line = lines_.finish()) {
      on_line(*line);
    }
    has_ended_ = true;
    answer_if_done();
  }

  /// A line that is not whole yet was not taken: its rest would never come.
  void on_ending(http::Exchange& /*exchange*/) override {
    has_ended_ = true;
    answer_if_done();
  }

  /// `item` is the lower half of the line's number.
  void on_reply(std::uint32_t item, hub::Reply&& reply) override {
    --pending_;
    if (const auto* error = std::get_if<hub::HubError>(&reply)) {
      fail(line_of(item), error_of(*error));
    } else {
      ++published_;
    }
    if (is_paused_ && pending_ <= kStreamPendingMax / 2) {
      is_paused_ = false;
      exchange_->resume_body();
    }
    if (has_ended_) {
      answer_if_done();
    }
  }

 private:
  void on_line(const LineSplitter::Line& line) {
    ++line_count_;
    if (line.is_too_long) {
      context_.metrics.limit_hit(metrics::Limit::kMessageBytes);
      fail(line_count_, too_large("the line is longer than limits.message_bytes"));
      return;
    }
    if (!line.text.starts_with('{') && line.text.find_first_not_of(" \t\r") == ByteView::npos) {
      return;
    }
    const auto object = parse_json_object(line.text);
    if (!object) {
      fail(line_count_, not_json(object.error(), context_.metrics));
      return;
    }
    auto entry = read_entry(*object, caller_, context_);
    if (!entry) {
      fail(line_count_, std::move(entry.error()));
      return;
    }
    hub::ReplyTo to = to_;
    to.item = static_cast<std::uint32_t>(line_count_);
    ++pending_;
    context_.hub.publish(entry->topic, std::move(entry->message), {}, to);
  }

  /// Fewer than 2^32 lines are on their way, so the lower half tells which of the last ones it is.
  std::uint64_t line_of(std::uint32_t item) const {
    return line_count_ - static_cast<std::uint32_t>(static_cast<std::uint32_t>(line_count_) - item);
  }

  void fail(std::uint64_t line, ApiError error) {
    ++failed_;
    // Answers overtake each other: the first errors by line, not the first that came.
    errors_.emplace(line, std::move(error));
    if (errors_.size() > kStreamErrorsMax) {
      errors_.erase(std::prev(errors_.end()));
    }
  }

  void answer_if_done() {
    if (!has_ended_ || pending_ > 0) {
      return;
    }
    std::string body = R"({"published":)" + std::to_string(published_);
    body.append(R"(,"failed":)").append(std::to_string(failed_)).append(R"(,"errors":[)");
    bool is_first = true;
    for (const auto& [line, error] : errors_) {
      body.append(is_first ? R"({"line":)" : R"(,{"line":)").append(std::to_string(line));
      body.push_back(',');
      append_error_member(body, error);
      body.push_back('}');
      is_first = false;
    }
    body.append("]}");
    exchange_->respond(json_response(200, std::move(body)));
  }

  ApiContext& context_;
  hub::ReplyTo to_;
  Caller caller_;
  http::Exchange* exchange_ = nullptr;
  LineSplitter lines_;
  std::uint64_t line_count_ = 0;  ///< lines that have ended, blank ones too
  std::uint64_t published_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t pending_ = 0;  ///< published, not answered yet
  std::map<std::uint64_t, ApiError> errors_;
  bool is_paused_ = false;
  bool has_ended_ = false;  ///< no more lines are taken
};

}  // namespace

Route publish_stream(const Request& request) {
  return route_to(std::make_unique<StreamHandler>(request));
}

}  // namespace wspush::api
