#include "http/http_date.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

namespace wspush::http {
namespace {

void append_digits(std::string& out, unsigned number, unsigned width) {
  out.append(width, '0');
  for (std::size_t index = out.size(); width > 0; --width) {
    out[--index] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
}

constexpr std::string_view kWeekdays = "SunMonTueWedThuFriSat";
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

}  // namespace

std::string http_date(WallTime time) {
  using std::chrono::floor;
  // From 1970 to the end of 9999: the year has four digits.
  constexpr std::chrono::seconds kLast{253402300799};
  const std::chrono::seconds since_epoch = std::clamp(
      floor<std::chrono::seconds>(time.time_since_epoch()), std::chrono::seconds{0}, kLast);
  const auto day_count = floor<std::chrono::days>(since_epoch);
  const std::chrono::sys_days day{day_count};
  const std::chrono::year_month_day date{day};
  const auto second_of_day = static_cast<unsigned>((since_epoch - day_count).count());

  std::string text;
  text += kWeekdays.substr(std::size_t{3} * std::chrono::weekday{day}.c_encoding(), 3);
  text += ", ";
  append_digits(text, static_cast<unsigned>(date.day()), 2);
  text += ' ';
  text += kMonths.substr(std::size_t{3} * (static_cast<unsigned>(date.month()) - 1), 3);
  text += ' ';
  append_digits(text, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  text += ' ';
  append_digits(text, second_of_day / 3600, 2);
  text += ':';
  append_digits(text, second_of_day / 60 % 60, 2);
  text += ':';
  append_digits(text, second_of_day % 60, 2);
  text += " GMT";
  return text;
}

std::string_view HttpDateClock::at(WallTime time) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch());
  if (second != second_ || text_.empty()) {
    text_ = http_date(time);
    second_ = second;
  }
  return text_;
}

}  // namespace wspush::http
