#pragma once

#include <cstdint>
#include <vector>

#include "wspush/engine/engine.hpp"

#include "base/limited_log.hpp"
#include "engine/disk_request.hpp"
#include "engine/disk_writer.hpp"
#include "metrics/reactor_metrics.hpp"

namespace wspush::engine {

/// History that survives a restart: one reactor's side of it. What the hub asks for in a turn goes
/// to the DiskWriter as one batch; the answers come back by the reactor's mailbox. Never waits.
class DiskEngine final : public Engine {
 public:
  /// Publishes that are on their way to the disk; past either one more is refused.
  static constexpr std::size_t kMessagesMax = 64 * 1024;
  static constexpr std::size_t kBytesMax = std::size_t{64} << 20;

  /// `writer` and `metrics` outlive it.
  DiskEngine(std::uint16_t reactor, DiskWriter& writer, metrics::ReactorMetrics& metrics)
      : writer_(writer), metrics_(metrics), reactor_(reactor) {}

  void start(EngineEvents& events) override;
  void open(ByteView name, TopicPosition& position) override;
  void publish(TopicPosition& position, hub::MessageRef draft, ByteView idempotency_key,
               Ticket ticket, TimePoint now) override;
  void clear(TopicPosition& position, Ticket ticket) override;
  void close(ByteView name, const TopicPosition& position) override;
  bool keep_revocation(const Revocation& revocation, Ticket ticket, TimePoint now) override;
  void hand_over() override;

  /// What the writer answered. Thread: the reactor's. Throws bad_alloc where memory ran out for one
  /// of them; the others are taken all the same.
  void take(DiskAnswers& answers);

 private:
  DiskRequest& ask(DiskRequest::Kind kind, TopicPosition* position);
  void refuse(Ticket ticket);
  void take_one(DiskAnswer& answer);

  DiskWriter& writer_;
  metrics::ReactorMetrics& metrics_;
  EngineEvents* events_ = nullptr;
  const std::uint16_t reactor_;
  std::vector<DiskRequest> requests_;
  std::size_t messages_ = 0;  ///< on their way
  std::size_t bytes_ = 0;
  bool wants_more_names_ = false;
  log::LimitedLog full_log_;
};

}  // namespace wspush::engine
