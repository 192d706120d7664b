#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "load/faults.hpp"
#include "load/options.hpp"
#include "load/server_meter.hpp"

namespace wspush::load {

/// The figures of a run, once for programs and once for people.
class Report {
 public:
  /// `title` stands above the table.
  explicit Report(std::string title) : title_(std::move(title)) {}

  /// A field of the JSON object alone. `value` needs no escaping.
  Report& text(std::string_view name, std::string_view value);
  Report& boolean(std::string_view name, bool value);
  Report& count(std::string_view name, std::uint64_t value);
  Report& number(std::string_view name, double value, int digits);

  /// The same with a row of the table: `label`, the value, `unit`.
  Report& count(std::string_view name, std::uint64_t value, std::string_view label,
                std::string_view unit = {});
  Report& number(std::string_view name, double value, int digits, std::string_view label,
                 std::string_view unit);
  Report& microseconds(std::string_view name, std::chrono::nanoseconds value,
                       std::string_view label);

  /// A row of the table alone.
  Report& row(std::string_view label, std::string_view value, std::string_view unit = {});

  /// One line, no line end. scripts/bench and the tests read its fields.
  std::string json() const { return json_ + "}"; }
  std::string table() const;

 private:
  Report& field(std::string_view name, std::string_view value);

  std::string title_;
  std::string json_ = "{";
  std::string rows_;
};

/// What a run ended with.
struct Outcome {
  Report report;
  bool is_good = false;
  std::string fault;  ///< why not, for people
};

/// CPU of the server and of ksoftirqd on its cores in us for each of `count`; 0 where `count` is.
double cpu_us_per(const CpuSample& cpu, std::uint64_t count);
double per_second(std::uint64_t count, std::chrono::nanoseconds elapsed);

/// `cpu_us_per_<what>`, that of ksoftirqd, the user share, and how busy the generator was.
void add_usage(Report& report, const Usage& usage, std::string_view what, std::uint64_t count);

/// What went wrong with deliveries.
void add_faults(Report& report, const Faults& faults, Dialect dialect);

}  // namespace wspush::load
