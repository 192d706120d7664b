#pragma once

#include <functional>
#include <memory>

#include "wspush/hub/subscriber.hpp"

#include "api/api_context.hpp"
#include "api/api_error.hpp"
#include "api/caller.hpp"
#include "http/exchange.hpp"

namespace wspush::api {

/// Who answers one request. Never without a handler.
struct Route {
  std::unique_ptr<http::RequestHandler> handler;
  /// Who gets the hub's answers for this exchange: part of the handler. Null: it asks nothing.
  hub::ReplySink* replies = nullptr;
};

/// What an endpoint is made from. Lifetime: all but `context` only for the call.
struct Request {
  http::Exchange& exchange;
  const hub::ReplyTo& to;
  ApiContext& context;
  Caller& caller;
  ByteView argument;  ///< what stands in the place of `{}` in the path, decoded
};

/// Makes an endpoint's handler when the head is there.
using MakeRoute = Route (*)(const Request& request);

/// A handler that is its own sink.
template <typename Handler>
Route route_to(std::unique_ptr<Handler> handler) {
  hub::ReplySink* const replies = handler.get();
  return {.handler = std::move(handler), .replies = replies};
}

/// Answers at once, whatever the body is.
Route answer(http::Response response);
Route refuse(const ApiError& error);

/// Asks one question, and answers with what `make_answer` makes of the reply. A HubError is
/// answered by `error_of`. Both are called at most once, `question` when the head is handed over; a
/// body is not wanted.
using Question = std::function<void(const hub::ReplyTo& to)>;
using Answer = std::function<http::Response(hub::Reply&& reply)>;
Route ask(const Request& request, Question question, Answer make_answer);

}  // namespace wspush::api
