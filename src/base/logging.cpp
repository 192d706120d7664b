#include "base/logging.hpp"

#include <cstdio>

namespace wspush::log {

std::string start(const Options&) {
  return {};
}
void stop() {
}
void reopen() {
}
void set_level(Level) {
}
bool is_enabled(Level) {
  return true;
}
std::uint64_t dropped_lines() {
  return 0;
}
void write(Level, std::string_view line) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
}
std::string quoted(std::string_view text, std::size_t) {
  return std::string(text);
}

}  // namespace wspush::log
