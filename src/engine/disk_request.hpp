#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "wspush/engine/engine.hpp"

// What the reactors and the thread that writes say to each other. The requests of one reactor are
// carried out in their order, and answered in it.
namespace wspush::engine {

struct DiskRequest {
  enum class Kind : std::uint8_t {
    kOpen,
    kPublish,
    kClear,
    kClose,
    kRevoke,
    kFindMore,  ///< names of topics that nobody has asked for: the last ones have been seen to
    kWake,      ///< nothing: somebody wants the writer to look around
  };

  Kind kind{};
  std::uint16_t reactor = 0;
  /// Names the topic from kOpen to kClose. Only its reactor looks at what it points to.
  TopicPosition* position = nullptr;
  std::string name;         ///< kOpen: the topic's; kPublish: its idempotency key, if it has one
  hub::MessageRef message;  ///< kPublish: nobody else holds it
  std::uint64_t first = 0;  ///< kPublish: older messages of `epoch` are no longer wanted
  std::uint32_t epoch = 0;  ///< kPublish
  std::size_t weight = 0;   ///< kPublish: handed back in the answer
  Ticket ticket = 0;        ///< kPublish, kClear, kRevoke
  TimePoint now{};          ///< kPublish
  std::shared_ptr<const Revocation> revocation;  ///< kRevoke: it is rare, and large
};

struct DiskAnswer {
  enum class Kind : std::uint8_t {
    kOpened,
    kNotOpened,  ///< memory ran out: the topic may be asked for again
    kOrdered,
    kRefused,
    kCleared,
    kRevoked,
    kFound,
  };

  Kind kind{};
  TopicPosition* position = nullptr;
  std::uint32_t epoch = 0;            ///< kOpened, kCleared
  std::uint64_t last = 0;             ///< kOpened, kCleared
  std::size_t weight = 0;             ///< of the publish that this answers; else 0
  Ticket ticket = 0;                  ///< kOrdered, kRefused, kCleared, kRevoked
  hub::MessageRef message;            ///< kOrdered
  std::vector<hub::MessageRef> kept;  ///< kOpened: oldest first
  std::vector<std::string> names;     ///< kFound; none: the search goes on all the same
};

using DiskAnswers = std::vector<DiskAnswer>;

}  // namespace wspush::engine
