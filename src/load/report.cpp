#include "load/report.hpp"

#include <cstdio>

namespace wspush::load {
namespace {

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

}  // namespace

Report& Report::field(std::string_view name, std::string_view value) {
  json_ += json_.size() > 1 ? "," : "";
  json_.append("\"").append(name).append("\":").append(value);
  return *this;
}

Report& Report::text(std::string_view name, std::string_view value) {
  return field(name, '"' + std::string(value) + '"');
}

Report& Report::boolean(std::string_view name, bool value) {
  return field(name, value ? "true" : "false");
}

Report& Report::count(std::string_view name, std::uint64_t value) {
  return field(name, std::to_string(value));
}

Report& Report::number(std::string_view name, double value, int digits) {
  return field(name, fixed(value, digits));
}

Report& Report::count(std::string_view name, std::uint64_t value, std::string_view label,
                      std::string_view unit) {
  return count(name, value).row(label, std::to_string(value), unit);
}

Report& Report::number(std::string_view name, double value, int digits, std::string_view label,
                       std::string_view unit) {
  return number(name, value, digits).row(label, fixed(value, digits), unit);
}

Report& Report::microseconds(std::string_view name, std::chrono::nanoseconds value,
                             std::string_view label) {
  const double us = static_cast<double>(value.count()) / 1e3;
  return number(name, us, 1).row(label, fixed(us, 0), "us");
}

Report& Report::row(std::string_view label, std::string_view value, std::string_view unit) {
  char line[160];
  std::snprintf(line, sizeof line, "  %-30.*s %14.*s%s%.*s\n", static_cast<int>(label.size()),
                label.data(), static_cast<int>(value.size()), value.data(), unit.empty() ? "" : " ",
                static_cast<int>(unit.size()), unit.data());
  rows_ += line;
  return *this;
}

std::string Report::table() const {
  return title_ + "\n" + rows_;
}

double cpu_us_per(const CpuSample& cpu, std::uint64_t count) {
  return count > 0 ? static_cast<double>(cpu.total_ns()) / 1e3 / static_cast<double>(count) : 0;
}

double per_second(std::uint64_t count, std::chrono::nanoseconds elapsed) {
  return elapsed.count() > 0
             ? static_cast<double>(count) * 1e9 / static_cast<double>(elapsed.count())
             : 0;
}

void add_usage(Report& report, const Usage& usage, std::string_view what, std::uint64_t count) {
  if (usage.server) {
    const std::string unit = "us/" + std::string(what);
    const CpuSample ksoftirqd{.ksoftirqd_ns = usage.server->ksoftirqd_ns};
    report.number("cpu_us_per_" + std::string(what), cpu_us_per(*usage.server, count), 4,
                  "server CPU", unit);
    report.number("ksoftirqd_us_per_" + std::string(what), cpu_us_per(ksoftirqd, count), 4,
                  "  of it ksoftirqd", unit);
    report.number("user_share", usage.server->user_share(), 3, "  user share of the server's", "");
  }
  report.number("generator_share", usage.generator_share(), 3, "generator busy", "of the time");
}

void add_faults(Report& report, const Faults& faults, Dialect dialect) {
  report.count("missing", faults.missing, "missing");
  report.count("duplicates", faults.duplicates, "duplicates");
  report.count("out_of_order", faults.out_of_order, "out of order");
  report.count("gaps", faults.gaps, "gaps told");
  if (dialect == Dialect::kWspushV1) {
    report.row("offset jumps", std::to_string(faults.offset_jumps));
  }
  report.count("offset_jumps", faults.offset_jumps);
  report.count("corrupt", faults.corrupt, "corrupt");
  report.count("closed", faults.closed, "closed");
}

}  // namespace wspush::load
