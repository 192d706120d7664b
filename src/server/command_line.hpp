#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wspush/base/result.hpp"

namespace wspush::server {

struct CommandLine {
  enum class Action : unsigned char { kRun, kCheck, kVersion, kHelp };
  Action action = Action::kRun;
  std::optional<std::string> config_file;
  std::vector<std::string> set;  ///< as given, `heartbeat.ping_interval=20s`
};

/// `arguments` without the program's name. The error is one line for stderr; exit 2.
Result<CommandLine, std::string> parse_command_line(std::span<const char* const> arguments);

extern const std::string_view kHelp;

}  // namespace wspush::server
