#include "load/progress.hpp"

#include <cstdio>

namespace wspush::load {

bool Progress::is_due(TimePoint now) {
  if (mode_ == Mode::kOff || now < next_) {
    return false;
  }
  next_ = now + std::chrono::seconds(1);
  return true;
}

void Progress::say(std::string_view text) {
  const int length = static_cast<int>(text.size());
  if (mode_ == Mode::kLines) {
    std::fprintf(stderr, "wspush bench: %.*s\n", length, text.data());
  } else if (mode_ == Mode::kTerminal) {
    std::fprintf(stderr, "\r\033[K%.*s", length, text.data());
    has_line_ = true;
  }
}

void Progress::clear() {
  if (has_line_) {
    std::fputs("\r\033[K", stderr);
    has_line_ = false;
  }
}

}  // namespace wspush::load
