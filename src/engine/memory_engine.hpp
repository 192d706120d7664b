#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>

#include "wspush/base/random.hpp"
#include "wspush/engine/engine.hpp"

namespace wspush::engine {

/// Orders messages in this process and keeps nothing besides the hub's own logs: they live until
/// the process ends. Answers inside the call.
class MemoryEngine final : public Engine {
 public:
  /// Topics that were freed and are still remembered (about 100 bytes each).
  static constexpr std::size_t kRemembered = 100'000;

  explicit MemoryEngine(std::uint64_t seed, std::size_t remembered_max = kRemembered)
      : random_(seed), hash_seed_(random_.next()), remembered_max_(remembered_max) {}

  void start(EngineEvents& events) override { events_ = &events; }
  void open(ByteView name, TopicPosition& position) override;
  void publish(TopicPosition& position, hub::MessageRef draft, ByteView idempotency_key,
               Ticket ticket, TimePoint now) override;
  void clear(TopicPosition& position, Ticket ticket) override;
  void close(ByteView name, const TopicPosition& position) override;

 private:
  struct Remembered {
    std::uint64_t hash;
    std::uint64_t last_offset;
    std::uint32_t epoch;
  };

  std::uint64_t hash_of(ByteView name) const;
  std::uint32_t new_epoch() { return static_cast<std::uint32_t>(random_.next()); }

  EngineEvents* events_ = nullptr;
  SplitMix64 random_;
  std::uint64_t hash_seed_;
  std::size_t remembered_max_;
  /// By hash of the name: 64 bits with a random seed, so that two names share one only by an
  /// accident that happens once in 2^44 full tables.
  std::unordered_map<std::uint64_t, std::list<Remembered>::iterator> remembered_;
  std::list<Remembered> oldest_;  ///< in the order in which they were closed
};

}  // namespace wspush::engine
