#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "wspush/base/clock.hpp"

#include "base/check.hpp"
#include "metrics/metric_catalog.hpp"

namespace wspush::metrics {

/// The sum over reactors at about one moment: what is rendered, and what views read.
/// Gauges of one reactor may be negative (a connection that is counted out where it was handed to);
/// the sums wrap back to what is right.
struct Snapshot {
  std::array<std::uint64_t, kCellCount> cells{};

  std::uint64_t value(Metric metric, std::size_t label = 0) const {
    return cells[first_cell(metric) + label];
  }
  std::uint64_t limit_hits(Limit limit) const {
    return value(Metric::kLimitHits, static_cast<std::size_t>(limit));
  }
  std::uint64_t connections(DoorLabel door) const {
    return value(Metric::kConnections, static_cast<std::size_t>(door));
  }
};

/// What one reactor counts, on cache lines of its own.
///
/// Thread: only the owner writes, so an increment is a load, an add and a store without a lock
/// prefix; anybody may read at any time (`add_to`) and sees each value whole, values of one moment
/// only nearly. Cost of an event: about 1 ns, no allocation.
class alignas(64) ReactorMetrics {
 public:
  ReactorMetrics() = default;
  ReactorMetrics(const ReactorMetrics&) = delete;
  ReactorMetrics& operator=(const ReactorMetrics&) = delete;

  /// A plain counter (or gauge) grows by `n`.
  void add(Metric metric, std::uint64_t n = 1) {
    WSPUSH_ASSERT(is_plain(metric));
    bump(static_cast<std::size_t>(metric), n);
  }
  /// A plain gauge shrinks by `n`.
  void subtract(Metric metric, std::uint64_t n = 1) { add(metric, std::uint64_t{0} - n); }
  /// A plain gauge is `value` in this reactor.
  void set(Metric metric, std::uint64_t value) {
    WSPUSH_ASSERT(is_plain(metric));
    cells_[static_cast<std::size_t>(metric)].store(value, std::memory_order_relaxed);
  }

  /// A bound of robustness was hit.
  void limit_hit(Limit limit, std::uint64_t n = 1) {
    bump(first_cell(Metric::kLimitHits) + static_cast<std::size_t>(limit), n);
  }
  /// A public connection came in at `door`.
  void connection_opened(DoorLabel door = DoorLabel::kHttp) {
    bump(first_cell(Metric::kConnections) + static_cast<std::size_t>(door), 1);
    bump(first_cell(Metric::kConnectionsOpened) + static_cast<std::size_t>(door), 1);
  }
  /// A connection has chosen its door: it leaves `from` (kHttp) and counts as opened at `to`.
  void connection_moved(DoorLabel from, DoorLabel to) {
    connection_closed(from);
    connection_opened(to);
  }
  void connection_closed(DoorLabel door) {
    bump(first_cell(Metric::kConnections) + static_cast<std::size_t>(door), ~std::uint64_t{0});
  }
  /// A handshake was answered with `status` instead of 101.
  void handshake_refused(int status);
  /// A WebSocket connection ended with `code`: ours, else the peer's, else 1005 or 1006.
  void closed(int code);
  void reloaded(ReloadResult result) {
    bump(first_cell(Metric::kReloads) + static_cast<std::size_t>(result), 1);
  }
  void tls_handshakes(TlsHandshake result, std::uint64_t n) {
    bump(first_cell(Metric::kTlsHandshakes) + static_cast<std::size_t>(result), n);
  }
  /// A turn of the loop took `elapsed` (the time in epoll_wait not included).
  void observe_turn(Duration elapsed);

  /// Times that `limit` was hit. Thread: any.
  std::uint64_t limit_hits(Limit limit) const {
    return cells_[first_cell(Metric::kLimitHits) + static_cast<std::size_t>(limit)].load(
        std::memory_order_relaxed);
  }
  /// Adds what is counted here to `snapshot`. Thread: any.
  void add_to(Snapshot& snapshot) const;

 private:
  void bump(std::size_t cell, std::uint64_t n) {
    std::atomic<std::uint64_t>& value = cells_[cell];
    value.store(value.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }

  std::array<std::atomic<std::uint64_t>, kCellCount> cells_{};
};

}  // namespace wspush::metrics
