#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wspush/config/config.hpp"

#include "config/fault.hpp"

// The way from a file, overrides and the environment to one immutable Config.
namespace wspush::config {

/// A file larger than this is refused: it is not a configuration.
inline constexpr std::size_t kConfigFileBytesMax = 4U << 20;

/// What to load from. `--set` wins over the environment and that over the file; neither a file nor
/// a text: the built-in default, with the overrides on top.
struct LoadRequest {
  std::optional<std::string> path;  ///< the file to read
  std::optional<std::string> text;  ///< its content instead; `path` is then only its name
  std::vector<std::string> set;     ///< as given to --set, `heartbeat.ping_interval=20s`
  /// Name and value; those that do not begin with WSPUSHD_ are passed over.
  std::vector<std::pair<std::string, std::string>> environment;
};

/// A Config, or every reason against it. Certificates and their keys are not opened here.
struct LoadResult {
  std::shared_ptr<const Config> config;  ///< null when there are faults
  std::vector<Fault> faults;             ///< in the order of the file, then the overrides
  std::vector<std::string> notices;      ///< lines to be logged as warnings; never a secret
  /// Where the certificates and keys of listeners and the keys for tokens stand: faults that say
  /// nothing yet.
  std::vector<Fault> key_files;

  /// What whoever opened the file of `key` has to say about it, at its place.
  Fault fault_of(std::string_view key, std::string message) const;
};

/// Reads, checks and binds. Reads the file of the request and the `..._file` secrets it names,
/// nothing else: not the environment, not the clock. Never throws (bad_alloc apart).
/// Thread: any, no shared state. Cost: O(bytes of the file); may block on the disk, so not on a
/// reactor.
LoadResult load_config(const LoadRequest& request);

/// What runs with no file at all: the table's defaults with `demo: true` and one topic rule that
/// lets anyone subscribe and publish. load_config() takes that rule back to the table's where an
/// override sets `listen` to anything but loopback.
Config builtin_config();

}  // namespace wspush::config
