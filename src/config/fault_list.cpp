#include "config/fault_list.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/logging.hpp"

namespace wspush::config {

std::size_t FaultList::add_source(std::string name) {
  sources_.push_back(std::move(name));
  return sources_.size() - 1;
}

void FaultList::add(Position at, std::string key, std::string message, std::string excerpt) {
  if (is_full()) {
    ++dropped_;
    return;
  }
  Fault fault = place_of(at, std::move(key));
  fault.message = std::move(message);
  fault.excerpt = std::move(excerpt);
  faults_.push_back({at, std::move(fault)});
}

Fault FaultList::place_of(Position at, std::string key) const {
  return {.source = sources_[at.source],
          .line = at.line,
          .column = at.column,
          .key = std::move(key),
          .message = {},
          .excerpt = {}};
}

std::string FaultList::place_text(Position at) const {
  std::string text = sources_[at.source];
  if (at.line > 0) {
    text += ':' + std::to_string(at.line) + ':' + std::to_string(at.column);
  }
  return text;
}

std::vector<Fault> FaultList::take() {
  std::ranges::stable_sort(faults_, {}, [](const Placed& placed) {
    return std::tuple(placed.at.source, placed.at.line, placed.at.column);
  });
  std::vector<Fault> faults;
  for (Placed& placed : faults_) {
    faults.push_back(std::move(placed.fault));
  }
  if (dropped_ > 0) {
    faults.push_back({.source = faults.back().source,
                      .message = "and " + std::to_string(dropped_) + " more faults"});
  }
  faults_.clear();
  dropped_ = 0;
  return faults;
}

std::string shown(std::string_view text) {
  return log::quoted(text, 80);
}

}  // namespace wspush::config
