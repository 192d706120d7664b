#include <cstdio>
#include <string>

#include "server/daemon.hpp"
#include "version.hpp"

int main(int argc, char** argv) {
  using wspush::server::CommandLine;
  const auto line = wspush::server::parse_command_line(
      {argv + 1, static_cast<std::size_t>(argc > 0 ? argc - 1 : 0)});
  if (!line) {
    std::fprintf(stderr, "%s\n", line.error().c_str());
    return 2;
  }
  switch (line->action) {
    case CommandLine::Action::kHelp:
      std::fputs(std::string(wspush::server::kHelp).c_str(), stdout);
      return 0;
    case CommandLine::Action::kVersion:
      std::printf("wspushd %s\nengines: memory, disk\n", std::string(wspush::kVersion).c_str());
      return 0;
    case CommandLine::Action::kRun:
    case CommandLine::Action::kCheck:
      break;
  }
  return wspush::server::run_daemon(*line);
}
