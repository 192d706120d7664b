#pragma once

#include <cstdint>
#include <string_view>

#include "wspush/base/clock.hpp"

namespace wspush::load {

/// What a run tells on standard error while it lasts.
class Progress {
 public:
  enum class Mode : std::uint8_t {
    kOff,
    kLines,     ///< a line a second
    kTerminal,  ///< one line, written over
  };
  explicit Progress(Mode mode) : mode_(mode) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// True once a second, and then there is something to say. Cheap: made to be asked every turn.
  bool is_due(TimePoint now);
  void say(std::string_view text);
  /// Takes the line off the terminal, before anything else is written.
  void clear();

 private:
  Mode mode_;
  bool has_line_ = false;
  TimePoint next_{};
};

}  // namespace wspush::load
