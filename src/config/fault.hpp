#pragma once

#include <string>
#include <string_view>
#include <vector>

// What is wrong with a configuration, and where. All faults are collected and shown at once.
namespace wspush::config {

/// One thing that the operator has to change.
struct Fault {
  /// The file's name, `--set heartbeat.pong` or `WSPUSHD_HEARTBEAT__PONG`.
  std::string source;
  int line = 0;         ///< from 1; 0: the source has no lines (an override), or is bad as a whole
  int column = 0;       ///< from 1, in bytes
  std::string key;      ///< the key's full path, `topics[0].history.ttl`; empty: no single key
  std::string message;  ///< what was found; what is allowed. Never a secret.
  std::string excerpt;  ///< for YAML that cannot be read: the source line and a caret below it

  friend bool operator==(const Fault&, const Fault&) = default;
};

/// `FILE:LINE:COLUMN: key.path: found ...; allowed: ...`, for an override
/// `--set heartbeat.pong: unknown key; nearest: heartbeat.pong_timeout` and
/// `WSPUSHD_ECHO: echo: found ...; allowed: ...`. An excerpt follows on
/// lines of its own. No line break at the end.
std::string to_string(const Fault& fault);

/// All of them, one below the other, no line break at the end.
std::string to_string(const std::vector<Fault>& faults);

/// The environment variable that overrides the key `path`: `WSPUSHD_HEARTBEAT__PING_INTERVAL`.
std::string environment_name(std::string_view path);

}  // namespace wspush::config
