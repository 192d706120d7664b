#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace wspush::server {

/// Talks to systemd (or whatever set NOTIFY_SOCKET): readiness, reloads, the watchdog. Without one
/// it does nothing. Source: sd_notify(3), sd_watchdog_enabled(3). Thread: the main one.
class ServiceManager {
 public:
  /// Reads and unsets NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. Before any thread starts.
  ServiceManager();

  /// `READY=1`, `STOPPING=1`, `WATCHDOG=1`, ...; several with line breaks between them.
  void notify(std::string_view state) const;

  /// Zero: no watchdog is wanted.
  std::chrono::microseconds watchdog_interval() const { return watchdog_interval_; }

 private:
  std::string socket_;
  std::chrono::microseconds watchdog_interval_{0};
};

}  // namespace wspush::server
