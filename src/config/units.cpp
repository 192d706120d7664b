#include "config/units.hpp"

#include <array>
#include <charconv>
#include <limits>

namespace wspush::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// Smallest first. The formatters take the largest that divides.
constexpr std::array<Unit, 4> kDurations{{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
constexpr std::array<Unit, 4> kSizes{
    {{"", 1}, {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}}};

struct Measure {
  std::uint64_t count = 0;
  std::string_view unit;
};

/// Splits `16KiB` into 16 and `KiB`. False without leading digits, or with too many.
bool split(std::string_view text, Measure& measure) {
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, measure.count);
  measure.unit = {rest, static_cast<std::size_t>(end - rest)};
  return error == std::errc{};
}

template <std::size_t N>
const Unit* find_unit(const std::array<Unit, N>& units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) {
      return &unit;
    }
  }
  return nullptr;
}

bool multiply(std::uint64_t count, std::uint64_t factor, std::uint64_t max,
              std::uint64_t& product) {
  if (count > max / factor) {
    return false;
  }
  product = count * factor;
  return true;
}

template <std::size_t N>
std::string format(const std::array<Unit, N>& units, std::uint64_t count) {
  const Unit* best = &units.front();
  for (const Unit& unit : units) {
    if (count != 0 && count % unit.factor == 0) {
      best = &unit;
    }
  }
  return std::to_string(count / best->factor) + std::string(best->name);
}

}  // namespace

Result<std::chrono::milliseconds, UnitError> parse_duration(std::string_view text) {
  if (text == "0") {
    return std::chrono::milliseconds(0);
  }
  Measure measure;
  if (!split(text, measure)) {
    return Unexpected(UnitError{});
  }
  const Unit* const unit = find_unit(kDurations, measure.unit);
  if (unit == nullptr) {
    return Unexpected(UnitError{measure.unit.empty()     ? "with a unit: ms, s, m or h"
                                : measure.unit[0] == '.' ? "without a fraction: 1500ms, not 1.5s"
                                                         : ""});
  }
  constexpr auto kMax =
      static_cast<std::uint64_t>(std::numeric_limits<std::chrono::milliseconds::rep>::max());
  std::uint64_t total = 0;
  if (!multiply(measure.count, unit->factor, kMax, total)) {
    return Unexpected(UnitError{});
  }
  return std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(total));
}

Result<std::uint64_t, UnitError> parse_size(std::string_view text) {
  Measure measure;
  if (!split(text, measure)) {
    return Unexpected(UnitError{});
  }
  const Unit* const unit = find_unit(kSizes, measure.unit);
  if (unit == nullptr) {
    switch (measure.unit[0]) {
      case 'k':
      case 'K':
        return Unexpected(UnitError{"write KiB, which is 1024 bytes"});
      case 'm':
      case 'M':
        return Unexpected(UnitError{"write MiB, which is 1024KiB"});
      case 'g':
      case 'G':
        return Unexpected(UnitError{"write GiB, which is 1024MiB"});
      default:
        return Unexpected(UnitError{});
    }
  }
  std::uint64_t total = 0;
  if (!multiply(measure.count, unit->factor, std::numeric_limits<std::uint64_t>::max(), total)) {
    return Unexpected(UnitError{});
  }
  return total;
}

Result<std::uint64_t, UnitError> parse_count(std::string_view text) {
  Measure measure;
  if (!split(text, measure) || !measure.unit.empty()) {
    return Unexpected(UnitError{});
  }
  if (text.size() > 1 && text[0] == '0') {
    return Unexpected(UnitError{"without leading zeros"});
  }
  return measure.count;
}

std::string format_duration(std::chrono::milliseconds duration) {
  // As people write them: the defaults of proxies are 60s, a batch of nothing is 0ms.
  if (duration == std::chrono::seconds(60)) {
    return "60s";
  }
  return format(kDurations, static_cast<std::uint64_t>(duration.count()));
}

std::string format_size(std::uint64_t bytes) {
  return format(kSizes, bytes);
}

}  // namespace wspush::config
