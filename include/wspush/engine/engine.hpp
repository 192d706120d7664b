#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "wspush/base/bytes.hpp"
#include "wspush/base/clock.hpp"
#include "wspush/hub/message.hpp"
#include "wspush/hub/message_id.hpp"

// The seam between the hub and what orders and keeps messages. Every reactor has one engine; it is
// asked only about topics whose home that reactor is. An engine may answer inside the call (memory)
// or in a later turn of the same reactor (a broker); never from another thread.
namespace wspush::engine {

/// What the home keeps about a topic on behalf of its engine. `epoch` and `last_offset` are the
/// engine's to change, before the messages that they belong to are handed on.
struct TopicPosition {
  std::uint64_t topic = 0;  ///< the home's handle, handed back in every answer
  std::uint32_t epoch = 0;
  /// The engine's: what it was asked about the topic and has not answered. The home calls `close`
  /// only at 0.
  std::uint32_t on_the_way : 31 = 0;
  /// The engine's: 1 from `open` until it has answered, whether it could or not.
  std::uint32_t is_opening : 1 = 0;
  std::uint64_t last_offset = 0;
  /// The home's: the oldest message that it keeps, or the next one; set before each publish. The
  /// engine may forget what is older. 0: not known yet.
  std::uint64_t first_offset = 0;
};

/// Names one request in its answer. 0 is none: a message that came from elsewhere.
using Ticket = std::uint64_t;

enum class EngineError : std::uint8_t { kUnavailable };

/// Tokens that are refused until a moment; what it covers is for who judges tokens.
struct Revocation {
  std::string user;      ///< the tokens of this user that were issued before `before`; or
  std::string token_id;  ///< the one with this `jti`: one of the two is empty
  WallTime before{};
  WallTime until{};
};

/// A publish that carried an idempotency key: a repeat of it on the topic publishes nothing and
/// gets `id`, for kIdempotencyLifetime or until kIdempotencyKeysMax have come after it.
struct KnownPublish {
  std::string topic;
  std::string idempotency_key;
  hub::MessageId id;
  WallTime published{};
};
inline constexpr Duration kIdempotencyLifetime = std::chrono::minutes(5);
inline constexpr std::size_t kIdempotencyKeysMax = 200'000;

/// The home's side. Thread: the reactor's own.
class EngineEvents {
 public:
  virtual ~EngineEvents() = default;

  /// The topic may be used: `position` is set, `kept` are the newest messages, oldest first.
  virtual void on_opened(std::uint64_t topic, std::vector<hub::MessageRef> kept) = 0;

  /// `message` is stamped and has its place: append it, forward it, answer the publisher.
  virtual void on_ordered(std::uint64_t topic, hub::MessageRef message, Ticket ticket) = 0;
  /// A publish, a clear or a revocation: nothing has changed.
  virtual void on_publish_refused(Ticket ticket, EngineError error) = 0;

  /// The log was emptied; `position` holds the new epoch.
  virtual void on_cleared(std::uint64_t topic, Ticket ticket) = 0;

  /// The revocation will be there after a restart.
  virtual void on_revocation_kept(Ticket /*ticket*/) {}

  /// The engine keeps messages of this topic from an earlier life, and nobody has asked for it yet:
  /// its home, here or in another reactor, should open it, so that bounds and time apply to it.
  virtual void on_found(ByteView /*name*/) {}
};

class Engine {
 public:
  virtual ~Engine() = default;

  /// Before anything else, once. `events` outlives the engine's last call.
  virtual void start(EngineEvents& events) = 0;

  /// Lifetime: `position` stays where it is until `close`. `name` is borrowed for the call.
  virtual void open(ByteView name, TopicPosition& position) = 0;

  /// `draft` has no id yet and nobody else holds it. `idempotency_key`, borrowed for the call, is
  /// kept with the message where messages survive the process; empty: there is none. (What is kept
  /// is read by who makes the engines, before there are connections; so are revocations.)
  virtual void publish(TopicPosition& position, hub::MessageRef draft, ByteView idempotency_key,
                       Ticket ticket, TimePoint now) = 0;
  virtual void clear(TopicPosition& position, Ticket ticket) = 0;

  /// The home lets the topic go: no messages are kept and nobody listens. The engine remembers the
  /// position as long as it can, so that a client that missed nothing is told so.
  virtual void close(ByteView name, const TopicPosition& position) = 0;

  /// Keeps a revocation for as long as messages, whatever becomes of the process. True: there is
  /// nothing to wait for, as nothing survives the process; else on_revocation_kept or
  /// on_publish_refused will say.
  virtual bool keep_revocation(const Revocation& /*revocation*/, Ticket /*ticket*/,
                               TimePoint /*now*/) {
    return true;
  }

  /// The turn has asked for all that it will: it may go on its way as one batch. Answers inside the
  /// call are none.
  virtual void hand_over() {}
};

}  // namespace wspush::engine
