#include "server/engine_choice.hpp"

#include <utility>
#include <vector>

#include "config/units.hpp"
#include "engine/disk_engine.hpp"
#include "engine/memory_engine.hpp"
#include "server/reactor.hpp"

namespace wspush::server {
namespace {

engine::DiskSync sync_of(const std::string& text) {
  using When = engine::DiskSync::When;
  if (text == "turn") {
    return {.when = When::kTurn};
  }
  const auto period = config::parse_duration(text);
  return period ? engine::DiskSync{.when = When::kPeriod, .period = *period}
                : engine::DiskSync{.when = When::kNever};
}

/// Throws bad_alloc with `answers` as they were.
void deliver(net::Mailbox<Mail>& mailbox, engine::DiskAnswers& answers) {
  const auto shared = std::make_shared<engine::DiskAnswers>();
  std::vector<Mail> mail;
  mail.emplace_back(Task([shared](Reactor& reactor) {
    static_cast<engine::DiskEngine&>(reactor.engine()).take(*shared);
  }));
  shared->swap(answers);
  try {
    mailbox.post(std::move(mail));
  } catch (const std::bad_alloc&) {
    shared->swap(answers);
    throw;
  }
}

}  // namespace

std::unique_ptr<engine::Engine> make_engine(engine::DiskWriter* disk, std::uint16_t reactor,
                                            std::uint64_t seed, metrics::ReactorMetrics& metrics) {
  if (disk != nullptr) {
    return std::make_unique<engine::DiskEngine>(reactor, *disk, metrics);
  }
  return std::make_unique<engine::MemoryEngine>(seed);
}

Result<std::unique_ptr<engine::DiskWriter>, std::string> open_disk(const config::DiskEngine& disk,
                                                                   std::uint16_t reactors,
                                                                   std::uint64_t seed,
                                                                   Peers& peers) {
  return engine::DiskWriter::open(
      {.path = disk.path, .sync = sync_of(disk.sync), .reactors = reactors, .seed = seed},
      [&peers](std::uint16_t reactor, engine::DiskAnswers& answers) {
        deliver(peers.mailbox_of(reactor), answers);
      });
}

}  // namespace wspush::server
