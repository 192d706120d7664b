#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wspush/base/clock.hpp"

#include "load/faults.hpp"
#include "load/frame_inflater.hpp"
#include "load/message_ring.hpp"
#include "load/options.hpp"
#include "load/statistics.hpp"

namespace wspush::load {

/// What all clients of an echo run share.
struct EchoContext {
  const Options& options;
  const MessageRing& ring;
  Faults& faults;
  FrameInflater& inflater;
  Durations& round_trips;
};

/// One client of an echo: keeps a number of messages in flight and compares what comes back, in
/// order. Bytes in, bytes out, no socket.
class EchoClient {
 public:
  explicit EchoClient(std::uint32_t number, std::size_t depth) : sent_at_(depth), number_(number) {}

  std::string opening(const EchoContext& context) const;

  /// Takes what was read at `now`; a pong to be sent is appended to `reply`. False: the connection
  /// is of no use any more, `faults.first` says why.
  bool take(std::string_view input, TimePoint now, const EchoContext& context, std::string& reply);

  /// Appends as many messages as may be in flight, at most `left`. Returns how many.
  std::size_t refill(TimePoint now, std::size_t left, const EchoContext& context, std::string& out);

  bool is_live() const { return is_live_; }
  std::uint64_t received() const { return received_; }
  std::uint64_t in_flight() const { return sent_ - received_; }

 private:
  bool take_message(std::string_view payload, TimePoint now, const EchoContext& context);
  bool refuse(const EchoContext& context, const std::string& why);

  std::vector<TimePoint> sent_at_;  // of message i at i modulo the depth
  std::string unfinished_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  std::uint32_t number_;
  bool is_live_ = false;
};

}  // namespace wspush::load
