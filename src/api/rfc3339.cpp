#include "api/rfc3339.hpp"

#include <algorithm>
#include <chrono>

namespace wspush::api {
namespace {

void append_digits(std::string& out, unsigned number, unsigned width) {
  out.append(width, '0');
  for (std::size_t index = out.size(); width > 0; --width) {
    out[--index] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
}

}  // namespace

std::string rfc3339_utc(WallTime time) {
  using std::chrono::milliseconds;
  // From 1970 to the last millisecond of 9999: the year has four digits.
  constexpr milliseconds kLast{253'402'300'799'999};
  const milliseconds since_epoch = std::clamp(time.time_since_epoch(), milliseconds{0}, kLast);
  const auto days = std::chrono::floor<std::chrono::days>(since_epoch);
  const std::chrono::year_month_day date{std::chrono::sys_days{days}};
  const auto of_day = static_cast<unsigned>((since_epoch - days).count());

  std::string text;
  append_digits(text, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  text += '-';
  append_digits(text, static_cast<unsigned>(date.month()), 2);
  text += '-';
  append_digits(text, static_cast<unsigned>(date.day()), 2);
  text += 'T';
  append_digits(text, of_day / 3'600'000, 2);
  text += ':';
  append_digits(text, of_day / 60'000 % 60, 2);
  text += ':';
  append_digits(text, of_day / 1000 % 60, 2);
  text += '.';
  append_digits(text, of_day % 1000, 3);
  text += 'Z';
  return text;
}

}  // namespace wspush::api
