#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/fault.hpp"

// Collects faults while a configuration is read, and knows the sources that positions refer to.
namespace wspush::config {

/// A place in one of the sources of a load. Lines and columns count from 1; 0 where there are none.
struct Position {
  std::size_t source = 0;
  int line = 0;
  int column = 0;
};

/// Bounded: after kFaultsMax only their number is kept, for a file of another kind altogether would
/// give one for each of its lines. Thread: one.
class FaultList {
 public:
  static constexpr std::size_t kFaultsMax = 100;

  /// Names a source of faults; the number goes into Position::source. Faults come out in the order
  /// of their sources, then of their lines.
  std::size_t add_source(std::string name);

  void add(Position at, std::string key, std::string message, std::string excerpt = {});

  bool empty() const { return faults_.empty(); }

  /// True when a further fault is only counted, so that its text need not be made.
  bool is_full() const { return faults_.size() == kFaultsMax; }

  /// A fault at `at` that says nothing yet.
  Fault place_of(Position at, std::string key) const;

  /// `FILE:LINE:COLUMN`, or the name alone where there is no line.
  std::string place_text(Position at) const;

  /// All of them in order; the list is empty afterwards.
  std::vector<Fault> take();

 private:
  struct Placed {
    Position at;
    Fault fault;
  };

  std::vector<std::string> sources_;
  std::vector<Placed> faults_;
  std::size_t dropped_ = 0;
};

/// `text` in double quotes for a message: control bytes, quotes and backslashes escaped, clipped
/// after 80 bytes.
std::string shown(std::string_view text);

}  // namespace wspush::config
