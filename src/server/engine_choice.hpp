#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "wspush/base/result.hpp"
#include "wspush/config/config.hpp"
#include "wspush/engine/engine.hpp"

#include "engine/disk_writer.hpp"
#include "metrics/reactor_metrics.hpp"

// The one place that knows which engine it is.
namespace wspush::server {

class Peers;

/// The engine of one reactor. `disk` (null: memory) and `metrics` outlive it.
std::unique_ptr<engine::Engine> make_engine(engine::DiskWriter* disk, std::uint16_t reactor,
                                            std::uint64_t seed, metrics::ReactorMetrics& metrics);

/// Opens what all reactors' disk engines write to; answers go to the reactors of `peers`, which
/// outlives it. Errors: what is wrong, with the path and what to do.
Result<std::unique_ptr<engine::DiskWriter>, std::string> open_disk(const config::DiskEngine& disk,
                                                                   std::uint16_t reactors,
                                                                   std::uint64_t seed,
                                                                   Peers& peers);

}  // namespace wspush::server
