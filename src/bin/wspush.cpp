#include <cstddef>

#include "cli/program.hpp"
#include "version.hpp"

int main(int argc, char** argv) {
  return wspush::cli::run_program({argv + 1, static_cast<std::size_t>(argc > 0 ? argc - 1 : 0)},
                                  wspush::kVersion);
}
