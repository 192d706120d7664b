#pragma once

#include <memory>
#include <string>
#include <vector>

#include "wspush/door/session.hpp"

#include "door/topic_request.hpp"

namespace wspush::door {

/// Server-Sent Events: an answer that goes on. The fan-out writes the events; what the session says
/// itself is the beginning, gaps, comments in times of silence and the end. What the client sends
/// is thrown away. Source: HTML Living Standard, "Server-sent events".
class SseSession final : public Session {
 public:
  /// `is_chunked`: each thing said is a chunk of HTTP/1.1; else the stream ends with the
  /// connection.
  /// `identity` is the client's: the end of its token is that of the stream.
  SseSession(Connection& connection, Context& context, auth::IdentityRef identity, bool is_chunked);

  /// The head is out and the subscription holds. `start` is what its stream begins with: lines of
  /// the block that is open, or that block's end and events.
  void open(ByteView start);

  DoorKind kind() const override { return DoorKind::kSse; }
  std::size_t on_input(MutableBytes input) override { return input.size(); }
  void on_input_end() override;
  void on_deadline(TimePoint now) override;
  void on_drained() override;
  void on_reply(const hub::ReplyTo& /*to*/, hub::Reply&& /*reply*/) override {}
  bool on_gap(const hub::Gap& gap) override;
  void on_withdrawn(ByteView topic) override;
  void end(EndReason reason) override;
  const auth::Identity* identity() const override { return identity_.get(); }
  auth::IdentityRef identity_ref() const override { return identity_; }
  void on_rules_changed() override;

 private:
  void say(ByteView text);
  void finish();
  TimePoint identity_end() const;

  Connection& connection_;
  Context& context_;
  auth::IdentityRef identity_;
  TimePoint opened_;
  bool is_chunked_;
  bool is_leaving_ = false;  ///< ends when everything is written
  bool is_closing_ = false;
  bool is_examined_ = false;  ///< the first look at the silence, which spreads them, has been
};

/// `GET` on topics with `Accept: text/event-stream`.
std::unique_ptr<TopicRequest> make_sse_request(UpgradeExchange& exchange, Context& context,
                                               RequestedTopics topics);

}  // namespace wspush::door
