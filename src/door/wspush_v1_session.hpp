#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/token_bucket.hpp"
#include "door/command_error.hpp"
#include "door/websocket_session.hpp"

namespace wspush::door {

/// The `wspush.v1` door: JSON commands, any number of topics on one connection.
///
/// Commands take effect in the order sent. A subscription whose log has to come from another
/// reactor first holds up the input behind it; a publish or a look into the history does not, its
/// answer comes when it is there.
class WspushV1Session final : public WebSocketSession {
 public:
  WspushV1Session(Connection& connection, Context& context);
  ~WspushV1Session() override;

  /// Says `welcome`; once, before any input.
  void open();

  DoorKind kind() const override { return DoorKind::kWspushV1; }
  void on_reply(const hub::ReplyTo& to, hub::Reply&& reply) override;
  bool on_gap(const hub::Gap& gap) override;
  void on_withdrawn(ByteView topic) override;

 private:
  /// A command as it came: the object, what most commands have of it (null: not there), and its
  /// `id` as JSON text (empty: none).
  struct Command {
    const JsonObject& object;
    const JsonValue* op = nullptr;
    const JsonValue* topic = nullptr;
    const JsonValue* data = nullptr;
    ByteView id;
  };
  static Command command_in(const JsonObject& object, const JsonValue*& id);
  struct TopicToSubscribe {
    std::string topic;
    hub::SubscribeOptions options;
    std::string failure;  ///< an `error` that was decided before; empty: go on
  };
  /// A subscribe or unsubscribe that waits for logs, or for what was sent before it.
  struct HeldCommand {
    std::string id;
    std::vector<TopicToSubscribe> topics;
    bool is_unsubscribe = false;
  };
  /// What was asked of a topic's home.
  struct PendingAnswer {
    std::string id;
    std::string topic;
  };
  /// Allocated with the first command that has to wait; freed when none is left.
  struct Pending final : Waiting {
    std::unordered_map<std::uint32_t, PendingAnswer> answers;
    std::unique_ptr<HeldCommand> held;
    std::uint32_t next_item = 1;
  };
  Pending* pending() const { return static_cast<Pending*>(waiting()); }
  Pending& make_pending();

  using Run = void (WspushV1Session::*)(const Command&);
  struct Row {
    std::string_view op;
    Run run;
    bool needs_user;  ///< where `auth.required` is on
  };
  static const Row kCommands[];

  void on_message(websocket::Opcode opcode, ByteView payload) override;

  void subscribe(const Command& command);
  void unsubscribe(const Command& command);
  void publish(const Command& command);
  void answer_publish(ByteView id, ByteView topic, const hub::Reply& reply);
  void history(const Command& command);
  void answer_history(const PendingAnswer& asked, const hub::HistoryReply& history);
  void members(const Command& command);
  void answer_members(const PendingAnswer& asked, const hub::MembersReply& members);
  void authenticate(const Command& command);
  void ping(const Command& command);

  TopicToSubscribe read_subscription(const Command& command, const JsonObject& object);
  void hold(std::unique_ptr<HeldCommand> command);
  void run_held();
  void run_subscribe(const HeldCommand& command);
  void run_unsubscribe(const HeldCommand& command);
  enum class Patterns : std::uint8_t { kRefused, kAllowed };
  bool is_topic(ByteView topic, Patterns patterns);
  bool take_topic(const Command& command, std::string& topic,
                  Patterns patterns = Patterns::kRefused);
  std::uint32_t next_item() const { return pending() == nullptr ? 1 : pending()->next_item; }
  std::uint32_t wait_for(const Command& command, std::string topic);
  void drop_pending_if_idle();
  void wait_if_full();
  bool admit(std::uint32_t cost);
  bool wants_user() const;
  std::string error_text(ByteView id, CommandError error, ByteView message,
                         ByteView topic = {}) const;
  void fail(ByteView id, CommandError error, ByteView message);
  void fail_with(const std::string& text);

  std::uint32_t errors_ = 0;  // In the padding of what it derives from.
  TokenBucket commands_;
};
static_assert(sizeof(WspushV1Session) == 80, "one for each client: see connection_memory_test");

}  // namespace wspush::door
