#include "cli/program.hpp"

#include <cstdio>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include "cli/descriptor_io.hpp"
#include "cli/options.hpp"
#include "cli/publish_command.hpp"
#include "cli/publish_stream.hpp"
#include "cli/subscribe_command.hpp"
#include "cli/token_command.hpp"

namespace wspush::cli {
namespace {

/// A program started with one of them closed would get it as its socket, and print into that.
void open_standard_descriptors() {
  int fd = 0;
  do {
    fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0) {
    ::close(fd);
  }
}

}  // namespace

int run_program(std::span<const char* const> arguments, std::string_view version) {
  open_standard_descriptors();
  if (!arguments.empty() && std::string_view(arguments[0]) == "token") {
    return run_token(arguments.subspan(1));
  }
  const auto options = parse_options(arguments);
  if (!options) {
    note(options.error());
    return 2;
  }
  switch (options->command) {
    case Options::Command::kHelp:
      std::fputs(std::string(kHelp).c_str(), stdout);
      return 0;
    case Options::Command::kVersion:
      std::printf("wspush %s\n", std::string(version).c_str());
      return 0;
    case Options::Command::kSubscribe:
      return run_subscribe(*options);
    case Options::Command::kPublish:
      break;
  }
  return options->publish.ndjson ? run_publish_stream(*options) : run_publish(*options);
}

}  // namespace wspush::cli
