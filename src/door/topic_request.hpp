#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "door/context.hpp"
#include "door/cors.hpp"
#include "door/credentials.hpp"
#include "door/upgrade_exchange.hpp"

namespace wspush::door {

/// What a request names.
struct RequestedTopics {
  std::vector<std::string> names;
  bool may_be_patterns = false;
};

/// A GET on topics that asks for no WebSocket: SSE or long poll. Judges the request as the
/// handshakes do, and refuses it with its reason, or brings the logs of its topics here.
class TopicRequest : public http::RequestHandler, public hub::ReplySink {
 public:
  TopicRequest(UpgradeExchange& exchange, Context& context, RequestedTopics topics)
      : exchange_(exchange), context_(context), topics_(std::move(topics)) {}

  void on_head(http::Exchange& exchange) final;
  void on_body(http::Exchange& /*exchange*/, ByteView /*piece*/) final {}
  void on_body_end(http::Exchange& exchange) final;
  void on_reply(std::uint32_t item, hub::Reply&& reply) final;

 protected:
  /// Where it wants to go on from, as sent: `after`, or what the door has in its place.
  virtual std::optional<ByteView> read_after(const http::RequestHead& head) const = 0;
  /// Reads what else the door knows of; false: it has refused.
  virtual bool read_options(const http::RequestHead& /*head*/) { return true; }
  /// The request is in order and the logs are here: subscribe now, and answer.
  virtual void on_prepared() = 0;

  void refuse(int status, ByteView code, ByteView message);
  void refuse(const Refusal& refusal);
  /// Why who asks may not have all of it now; nothing: it may.
  std::optional<Refusal> find_refusal() const;
  void respond(http::Response response);
  /// Subscribes the connection; nothing where that was refused.
  std::optional<hub::Subscribed> subscribe(hub::WireForm form);
  /// The place before what the subscription gets: of a feed, where it stands now, whatever it gets
  /// of what was before.
  std::string place_of(const hub::Subscribed& subscribed) const;

  UpgradeExchange& exchange() const { return exchange_; }
  Context& context() const { return context_; }
  Connection& connection() const { return exchange_.connection(); }
  const Cors& cors() const { return cors_; }
  const auth::IdentityRef& identity() const { return identity_; }
  /// The topic's, or that of the feed of several.
  const std::string& name() const { return name_; }
  bool is_feed() const { return hub::is_feed(name_); }
  const hub::After& after() const { return after_; }
  /// As it was sent; empty: it was not.
  const std::string& after_text() const { return after_text_; }

 private:
  bool judge(const http::RequestHead& head);
  bool judge_token(const http::RequestHead& head);
  bool judge_topics();
  bool judge_after(const http::RequestHead& head);

  UpgradeExchange& exchange_;
  Context& context_;
  RequestedTopics topics_;
  std::string name_;
  hub::After after_;
  std::string after_text_;
  auth::IdentityRef identity_;
  Cors cors_;
};

/// Who answers a request on `topics` that asks for no WebSocket: `Accept: text/event-stream` is
/// SSE, any other GET a long poll, OPTIONS a browser's question before one of them.
/// The handler is its own sink of replies; null there: it asks nothing.
struct TopicRoute {
  std::unique_ptr<http::RequestHandler> handler;
  hub::ReplySink* replies = nullptr;
};
TopicRoute route_topic_request(UpgradeExchange& exchange, Context& context, RequestedTopics topics);

}  // namespace wspush::door
