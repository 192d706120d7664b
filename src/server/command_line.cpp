#include "server/command_line.hpp"

namespace wspush::server {

const std::string_view kHelp = R"(wspushd, a WebSocket push server

usage: wspushd [--config FILE] [--set KEY=VALUE]...
       wspushd --check [--config FILE] [--set KEY=VALUE]...

  -c, --config FILE    the configuration; without it the built-in default:
                       clients at 127.0.0.1:8080, API and metrics at
                       127.0.0.1:8081, everything allowed, demo page at /
      --set KEY=VALUE  overrides a key: --set heartbeat.ping_interval=20s
                       (VALUE is YAML; --set wins over the environment,
                       WSPUSHD_HEARTBEAT__PING_INTERVAL=20s, and that over
                       the file)
      --check          checks the configuration and exits: 0 good, 1 not
      --version        prints the version and what is built in
  -h, --help           this text

Signals: SIGHUP reloads the configuration, SIGTERM and SIGINT drain and
exit (a second one exits at once), SIGUSR1 reopens the log file.
Exit codes: 0 asked for, 1 configuration or start failure, 2 usage.
Manual: the comments in wspushd.yaml, and docs/configuration.md.
)";

Result<CommandLine, std::string> parse_command_line(std::span<const char* const> arguments) {
  CommandLine line;
  const auto fail = [](std::string message) {
    return Unexpected("wspushd: " + std::move(message) + " (see wspushd --help)");
  };
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view name = arguments[i];
    std::optional<std::string> value;
    if (const std::size_t equals = name.find('=');
        name.starts_with("--") && equals != std::string_view::npos) {
      value = std::string(name.substr(equals + 1));
      name = name.substr(0, equals);
    }
    const bool wants_value = name == "--config" || name == "-c" || name == "--set";
    if (wants_value && !value) {
      if (++i == arguments.size()) {
        return fail(std::string(name) + " wants a value");
      }
      value = arguments[i];
    } else if (!wants_value && value) {
      return fail(std::string(name) + " takes no value");
    }
    if (name == "--config" || name == "-c") {
      if (line.config_file) {
        return fail("--config is given twice");
      }
      line.config_file = *value;
    } else if (name == "--set") {
      line.set.push_back(*value);
    } else if (name == "--check") {
      line.action = CommandLine::Action::kCheck;
    } else if (name == "--version") {
      line.action = CommandLine::Action::kVersion;
    } else if (name == "--help" || name == "-h") {
      line.action = CommandLine::Action::kHelp;
    } else {
      return fail("unknown argument " + std::string(arguments[i]));
    }
    if (line.action == CommandLine::Action::kVersion || line.action == CommandLine::Action::kHelp) {
      return line;
    }
  }
  return line;
}

}  // namespace wspush::server
