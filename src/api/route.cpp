#include "api/route.hpp"

#include <utility>
#include <variant>

namespace wspush::api {
namespace {

class FixedAnswer final : public http::RequestHandler {
 public:
  explicit FixedAnswer(http::Response response) : response_(std::move(response)) {}

  void on_head(http::Exchange& exchange) override { exchange.respond(std::move(response_)); }
  void on_body(http::Exchange& /*exchange*/, ByteView /*piece*/) override {}
  void on_body_end(http::Exchange& /*exchange*/) override {}

 private:
  http::Response response_;
};

class QuestionHandler final : public http::RequestHandler, public hub::ReplySink {
 public:
  QuestionHandler(const hub::ReplyTo& to, Question question, Answer make_answer)
      : to_(to), question_(std::move(question)), make_answer_(std::move(make_answer)) {}

  void on_head(http::Exchange& exchange) override {
    exchange_ = &exchange;
    question_(to_);
  }
  void on_body(http::Exchange& /*exchange*/, ByteView /*piece*/) override {}
  void on_body_end(http::Exchange& /*exchange*/) override {}

  void on_reply(std::uint32_t /*item*/, hub::Reply&& reply) override {
    if (const auto* error = std::get_if<hub::HubError>(&reply)) {
      exchange_->respond(response_of(error_of(*error)));
    } else {
      exchange_->respond(make_answer_(std::move(reply)));
    }
  }

 private:
  hub::ReplyTo to_;
  Question question_;
  Answer make_answer_;
  http::Exchange* exchange_ = nullptr;
};

}  // namespace

Route answer(http::Response response) {
  return {.handler = std::make_unique<FixedAnswer>(std::move(response)), .replies = nullptr};
}

Route refuse(const ApiError& error) {
  return answer(response_of(error));
}

Route ask(const Request& request, Question question, Answer make_answer) {
  return route_to(
      std::make_unique<QuestionHandler>(request.to, std::move(question), std::move(make_answer)));
}

}  // namespace wspush::api
