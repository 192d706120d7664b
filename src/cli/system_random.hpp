#pragma once

#include <cstdint>

#include "wspush/base/random.hpp"

namespace wspush::cli {

/// Random numbers of the system: masks must not be guessed by whoever chooses the payload
/// (RFC 6455 §10.3). One system call each; a client sends little.
class SystemRandom final : public Random {
 public:
  std::uint64_t next() override;
};

}  // namespace wspush::cli
