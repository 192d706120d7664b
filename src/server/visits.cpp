// What is done to all connections, or topics, of a reactor, some in each turn.
#include <utility>

#include "server/reactor.hpp"

namespace wspush::server {
namespace {

/// Slots that one turn looks at: a tenth of a millisecond where nothing is to be done, and 15,000
/// connections are through in 15 turns.
constexpr std::uint32_t kVisitsPerTurn = 1024;

}  // namespace

void Reactor::visit_public(std::function<void(SocketConnection&)> visit,
                           std::function<void()> done) {
  visits_.push_back({.visit =
                         [this, visit = std::move(visit)](std::uint32_t first, std::uint32_t last) {
                           connections_.for_each_in(
                               first, last, [&](Handle, SocketConnection& connection) {
                                 if (connection.is_public() && connection.is_open()) {
                                   guarded(connection, [&] { visit(connection); });
                                 }
                               });
                         },
                     .done = std::move(done),
                     .next = 0,
                     .end = connections_.slot_count()});
}

void Reactor::visit_topics(std::function<void(ByteView, std::uint64_t)> visit,
                           std::function<void()> done) {
  visits_.push_back({.visit =
                         [this, visit = std::move(visit)](std::uint32_t first, std::uint32_t last) {
                           hub_.for_each_home_topic_in(first, last, visit);
                         },
                     .done = std::move(done),
                     .next = 0,
                     .end = hub_.topic_slots()});
}

void Reactor::end_connections_of(std::function<bool(const auth::Identity&)> is_meant,
                                 std::function<void(std::size_t)> done) {
  const auto count = std::make_shared<std::size_t>(0);
  visit_public(
      [is_meant = std::move(is_meant), count](SocketConnection& connection) {
        const auth::Identity* const who = connection.latest_session().identity();
        if (who != nullptr && is_meant(*who)) {
          connection.latest_session().end(door::EndReason::kTerminated);
          ++*count;
        }
      },
      [count, done = std::move(done)] { done(*count); });
}

void Reactor::visit_some() {
  for (std::uint32_t left = kVisitsPerTurn; left > 0 && !visits_.empty();) {
    Visits& visits = visits_.front();
    const std::uint32_t count = std::min(left, visits.end - visits.next);
    const std::uint32_t first = std::exchange(visits.next, visits.next + count);
    left -= count;
    visits.visit(first, first + count);
    if (visits.next == visits.end) {
      const std::function<void()> done = std::move(visits.done);
      visits_.pop_front();
      done();
    }
  }
}

}  // namespace wspush::server
