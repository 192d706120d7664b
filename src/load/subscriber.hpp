#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "load/delivery_tracker.hpp"
#include "load/faults.hpp"
#include "load/frame_inflater.hpp"
#include "load/options.hpp"
#include "load/publish_ledger.hpp"
#include "load/sequence_ledger.hpp"
#include "load/wire.hpp"

namespace wspush::load {

/// What all subscribers of a run share.
struct SubscriberContext {
  const Options& options;
  DeliveryTracker& tracker;
  Faults& faults;
  FrameInflater& inflater;
  PublishLedger* many = nullptr;   ///< several publishers: theirs counts, not tracker and ledger
  std::uint64_t* pings = nullptr;  ///< counts those of the server
};

/// One subscriber's protocol, from the connection that stands to the last message: bytes in, bytes
/// out, no socket. Thread: one.
class Subscriber {
 public:
  enum class State : std::uint8_t { kHandshake, kSubscribing, kLive, kRefused };

  explicit Subscriber(std::uint32_t number) : number_(number) {}

  /// The handshake to be sent first.
  std::string opening(const SubscriberContext& context) const;

  /// Takes what was read. What is to be sent in turn (a command, a pong) is appended to `reply`.
  /// False: the connection is of no use any more, `faults.first` says why.
  bool take(std::string_view input, const SubscriberContext& context, std::string& reply);

  State state() const { return state_; }
  const SequenceLedger& ledger() const { return ledger_; }

 private:
  bool take_head(std::string_view& input, const SubscriberContext& context, std::string& reply);
  bool take_frame(std::uint8_t opcode, std::string_view payload, const SubscriberContext& context,
                  std::string& reply);
  /// NATS or MQTT: `payload` goes on where the last one of the connection ended.
  bool take_stream(std::string_view payload, const SubscriberContext& context, std::string& reply);
  bool take_nats_some(std::string_view& stream, const SubscriberContext& context,
                      std::string& reply);
  bool take_mqtt_some(std::string_view& stream, const SubscriberContext& context,
                      std::string& reply);
  bool take_event(std::string_view object, const SubscriberContext& context);
  void take_payload(std::string_view payload, const SubscriberContext& context);
  void take_id(std::string_view object, const SubscriberContext& context);
  bool refuse(const SubscriberContext& context, const std::string& why);

  SequenceLedger ledger_;
  std::string unfinished_;  // half a head or frame
  std::string stream_;      // half an operation of NATS or MQTT
  std::string epoch_;       // wspush.v1 only
  std::uint64_t offset_ = 0;
  std::uint32_t number_;
  State state_ = State::kHandshake;
};

}  // namespace wspush::load
