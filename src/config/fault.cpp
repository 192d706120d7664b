#include "config/fault.hpp"

#include "config/overrides.hpp"

namespace wspush::config {

std::string to_string(const Fault& fault) {
  std::string text = fault.source;
  if (fault.line > 0) {
    text += ':' + std::to_string(fault.line) + ':' + std::to_string(fault.column);
  }
  text += ": ";
  // `--set` names its key by itself; only what lies within its value is said in addition.
  if (!fault.key.empty() && fault.source != set_source(fault.key)) {
    text += fault.key + ": ";
  }
  text += fault.message;
  if (!fault.excerpt.empty()) {
    text += '\n' + fault.excerpt;
  }
  return text;
}

std::string to_string(const std::vector<Fault>& faults) {
  std::string text;
  for (const Fault& fault : faults) {
    text += (text.empty() ? "" : "\n") + to_string(fault);
  }
  return text;
}

}  // namespace wspush::config
