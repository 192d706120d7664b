#include <string>

#include "base/check.hpp"
#include "config/config_keys.hpp"
#include "config/yaml_loader.hpp"
#include "fuzz/fuzz.hpp"

// The whole loader: a file's text, then behind a line `%` overrides, one a line: `a.b=c` as --set
// gives them, `WSPUSHD_A__B=c` from the environment. It answers with a configuration or with faults
// that have a place each, and the same every time.
namespace wspush::fuzz {
namespace {

void check(const config::LoadResult& result) {
  WSPUSH_CHECK((result.config == nullptr) == !result.faults.empty());
  WSPUSH_CHECK(result.faults.size() <= 101);
  for (const config::Fault& fault : result.faults) {
    WSPUSH_CHECK(!fault.source.empty() && !fault.message.empty());
    WSPUSH_CHECK(fault.line >= 0 && (fault.line == 0) == (fault.column == 0));
    WSPUSH_CHECK(!to_string(fault).empty());
  }
  if (result.config == nullptr) {
    return;
  }
  const config::Config& config = *result.config;
  WSPUSH_CHECK(config.limits.message_bytes > 0 && config.limits.header_bytes > 0);
  WSPUSH_CHECK(config.heartbeat.ping_interval.count() > 0);
  WSPUSH_CHECK(config.compression.window_bits >= 8 && config.compression.window_bits <= 15);
}

}  // namespace

void run(ByteView input) {
  // Files that the text names are opened: none that could never end.
  if (input.size() > 4'096 || input.find("/dev") != ByteView::npos ||
      input.find("/proc") != ByteView::npos || input.find("/sys") != ByteView::npos) {
    return;
  }
  config::LoadRequest request;
  request.path = "w.yaml";
  const std::size_t mark = input.find("\n%\n");
  request.text = std::string(input.substr(0, mark));
  if (mark != ByteView::npos) {
    Draw draw(input.substr(mark + 3));
    while (!draw.is_empty()) {
      const std::string line(draw.until('\n'));
      const std::size_t equals = line.find('=');
      if (line.starts_with("WSPUSHD_") && equals != line.npos) {
        request.environment.emplace_back(line.substr(0, equals), line.substr(equals + 1));
      } else {
        request.set.push_back(line);
      }
    }
  }
  const config::LoadResult result = config::load_config(request);
  check(result);
  const config::LoadResult again = config::load_config(request);
  WSPUSH_CHECK(again.faults.size() == result.faults.size() && again.notices == result.notices);
  WSPUSH_CHECK((again.config == nullptr) == (result.config == nullptr));
  WSPUSH_CHECK(result.config == nullptr || *again.config == *result.config);
}

}  // namespace wspush::fuzz
