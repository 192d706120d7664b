#include "report.hpp"

#include <cstdio>

namespace wspush::load {
namespace {

double seconds(std::chrono::nanoseconds value) {
  return static_cast<double>(value.count()) / 1e9;
}

double microseconds(std::chrono::nanoseconds value) {
  return static_cast<double>(value.count()) / 1e3;
}

double per(double amount, double of) {
  return of > 0 ? amount / of : 0;
}

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

double deliveries_per_second(const Measurement& measured) {
  return per(static_cast<double>(measured.deliveries), seconds(measured.elapsed));
}

double bytes_per_delivery(const Measurement& measured) {
  return per(static_cast<double>(measured.received_bytes),
             static_cast<double>(measured.deliveries));
}

double ksoftirqd_us_per_delivery(const Measurement& measured) {
  const double ns = measured.cpu ? static_cast<double>(measured.cpu->ksoftirqd_ns) : 0;
  return per(ns / 1e3, static_cast<double>(measured.deliveries + measured.publisher_echoes));
}

// Writes `"name":value` pairs; the values need no escaping.
class JsonLine {
 public:
  JsonLine& number(const char* name, double value, int digits) {
    return raw(name, fixed(value, digits));
  }
  JsonLine& count(const char* name, std::uint64_t value) {
    return raw(name, std::to_string(value));
  }
  JsonLine& text(const char* name, const std::string& value) {
    return raw(name, '"' + value + '"');
  }
  JsonLine& boolean(const char* name, bool value) { return raw(name, value ? "true" : "false"); }
  std::string finish() const { return text_ + "}"; }

 private:
  JsonLine& raw(const char* name, const std::string& value) {
    text_ += text_.size() > 1 ? "," : "";
    text_ += '"' + std::string(name) + "\":" + value;
    return *this;
  }

  std::string text_ = "{";
};

}  // namespace

bool is_exact(const Measurement& measured, const Faults& faults) {
  return !measured.is_stalled && faults.none();
}

double cpu_us_per_delivery(const Measurement& measured) {
  if (!measured.cpu) {
    return 0;
  }
  const double ns = static_cast<double>(measured.cpu->server_ns + measured.cpu->ksoftirqd_ns);
  return per(ns / 1e3, static_cast<double>(measured.deliveries + measured.publisher_echoes));
}

std::string to_json(const Options& options, const Measurement& measured, const Faults& faults) {
  JsonLine line;
  line.text("door", name_of(options.door)).text("publish", name_of(options.publish_by));
  line.count("subscribers", options.subscribers).count("payload_bytes", options.payload_bytes);
  line.text("payload", name_of(options.payload_text)).boolean("deflate", options.is_deflated);
  line.count("window", options.rate_per_second > 0 ? 0 : options.window);
  line.number("rate_per_second", options.rate_per_second, 3);
  line.count("messages", measured.messages).count("deliveries", measured.deliveries);
  line.count("compressed", measured.compressed);
  line.number("seconds", seconds(measured.elapsed), 6);
  line.number("deliveries_per_second", deliveries_per_second(measured), 0);
  if (measured.cpu) {
    line.number("cpu_us_per_delivery", cpu_us_per_delivery(measured), 4);
    line.number("ksoftirqd_us_per_delivery", ksoftirqd_us_per_delivery(measured), 4);
  }
  line.number("latency_p50_us", microseconds(measured.latency_p50), 1);
  line.number("latency_p99_us", microseconds(measured.latency_p99), 1);
  line.number("bytes_per_delivery", bytes_per_delivery(measured), 2);
  line.count("missing", faults.missing).count("duplicates", faults.duplicates);
  line.count("out_of_order", faults.out_of_order).count("gaps", faults.gaps);
  line.count("offset_jumps", faults.offset_jumps).count("corrupt", faults.corrupt);
  line.count("closed", faults.closed).boolean("stalled", measured.is_stalled);
  line.boolean("exactly_once", is_exact(measured, faults));
  return line.finish();
}

std::string to_table(const Options& options, const Measurement& measured, const Faults& faults) {
  const std::string pace = options.rate_per_second > 0
                               ? fixed(options.rate_per_second, 1) + " messages/s"
                               : "window " + std::to_string(options.window);
  std::string text = std::to_string(options.subscribers) + " subscribers x " +
                     std::to_string(options.payload_bytes) + " B, " + pace + ", door " +
                     name_of(options.door) + ", published by " + name_of(options.publish_by) + "\n";
  const auto row = [&](const char* name, const std::string& value, const char* unit) {
    char line[160];
    std::snprintf(line, sizeof line, "  %-28s %14s %s\n", name, value.c_str(), unit);
    text += line;
  };
  row("messages", std::to_string(measured.messages), "");
  row("deliveries", std::to_string(measured.deliveries), "");
  if (options.is_deflated) {
    row("  of them compressed", std::to_string(measured.compressed), "");
  }
  row("time", fixed(seconds(measured.elapsed), 3), "s");
  row("rate", fixed(deliveries_per_second(measured), 0), "deliveries/s");
  if (measured.cpu) {
    row("server CPU", fixed(cpu_us_per_delivery(measured), 3), "us/delivery");
    row("  of it ksoftirqd", fixed(ksoftirqd_us_per_delivery(measured), 3), "us/delivery");
  }
  row("to the last subscriber, p50", fixed(microseconds(measured.latency_p50), 0), "us");
  row("to the last subscriber, p99", fixed(microseconds(measured.latency_p99), 0), "us");
  row("bytes", fixed(bytes_per_delivery(measured), 1), "per delivery");
  row("missing", std::to_string(faults.missing), "");
  row("duplicates", std::to_string(faults.duplicates), "");
  row("out of order", std::to_string(faults.out_of_order), "");
  row("gaps told", std::to_string(faults.gaps), "");
  if (options.door == Door::kWspushV1) {
    row("offset jumps", std::to_string(faults.offset_jumps), "");
  }
  row("corrupt", std::to_string(faults.corrupt), "");
  row("closed", std::to_string(faults.closed), "");
  text += is_exact(measured, faults)
              ? "  every message once and in order at every subscriber\n"
              : "  NOT exactly once: " + (faults.first.empty() ? "gave up waiting" : faults.first) +
                    "\n";
  return text;
}

}  // namespace wspush::load
