#include "load/server_meter.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>

namespace wspush::load {
namespace {

namespace fs = std::filesystem;

constexpr int kCpusMax = 4096;

// First field of schedstat: time on a CPU, ns. Unlike utime it is not counted in 4 ms ticks.
std::uint64_t on_cpu_ns(const fs::path& task) {
  std::ifstream file(task / "schedstat");
  std::uint64_t ns = 0;
  file >> ns;
  return file ? ns : 0;
}

std::string allowed_cpus(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  const std::string_view name = "Cpus_allowed_list:";
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, name.size(), name) == 0) {
      const std::size_t value = line.find_first_not_of(" \t", name.size());
      return value == std::string::npos ? std::string() : line.substr(value);
    }
  }
  return {};
}

std::vector<pid_t> find_ksoftirqd(const std::vector<int>& cpus) {
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    pid_t pid = 0;
    const char* end = name.data() + name.size();
    if (std::from_chars(name.data(), end, pid).ptr != end) {
      continue;
    }
    std::ifstream file(entry.path() / "comm");
    std::string comm;
    std::getline(file, comm);
    const bool is_ours = std::any_of(cpus.begin(), cpus.end(), [&](int cpu) {
      return comm == "ksoftirqd/" + std::to_string(cpu);
    });
    if (is_ours) {
      found.push_back(pid);
    }
  }
  return found;
}

}  // namespace

std::vector<int> parse_cpu_list(const std::string& text) {
  std::vector<int> cpus;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    int first = 0;
    const char* end = part.data() + part.size();
    const auto low = std::from_chars(part.data(), end, first);
    int last = first;
    if (low.ec == std::errc() && low.ptr != end && *low.ptr == '-') {
      (void)std::from_chars(low.ptr + 1, end, last);
    }
    if (low.ec != std::errc()) {
      continue;
    }
    for (int cpu = first; cpu <= std::min(last, kCpusMax); ++cpu) {
      cpus.push_back(cpu);
    }
  }
  return cpus;
}

std::optional<std::uint64_t> parse_private_bytes(const std::string& text) {
  std::optional<std::uint64_t> sum;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string name;
    std::uint64_t kibibytes = 0;
    // Huge pages are counted apart, and no server has some by chance.
    if (fields >> name >> kibibytes && (name == "Private_Clean:" || name == "Private_Dirty:")) {
      sum = sum.value_or(0) + kibibytes * 1024;
    }
  }
  return sum;
}

bool parse_stat_ticks(const std::string& line, CpuSample& into) {
  // The second field, the name, may hold anything, blanks and brackets too.
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) {
    return false;
  }
  std::istringstream fields(line.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) {
    fields >> skipped;
  }
  return static_cast<bool>(fields >> into.user_ticks >> into.system_ticks);
}

double CpuSample::user_share() const {
  const double all = static_cast<double>(user_ticks + system_ticks);
  return all > 0 ? static_cast<double>(user_ticks) / all : 0;
}

CpuSample CpuSample::operator-(const CpuSample& before) const {
  return {.server_ns = server_ns - before.server_ns,
          .ksoftirqd_ns = ksoftirqd_ns - before.ksoftirqd_ns,
          .user_ticks = user_ticks - before.user_ticks,
          .system_ticks = system_ticks - before.system_ticks};
}

Result<ServerMeter, std::string> ServerMeter::attach(pid_t pid) {
  const std::string cpus = allowed_cpus(pid);
  if (cpus.empty()) {
    return Unexpected("there is no process " + std::to_string(pid));
  }
  ServerMeter meter(pid);
  meter.ksoftirqd_ = find_ksoftirqd(parse_cpu_list(cpus));
  return meter;
}

CpuSample ServerMeter::cpu() const {
  CpuSample sample;
  const fs::path process = "/proc/" + std::to_string(pid_);
  std::error_code error;
  for (const auto& task : fs::directory_iterator(process / "task", error)) {
    sample.server_ns += on_cpu_ns(task.path());
  }
  for (const pid_t pid : ksoftirqd_) {
    sample.ksoftirqd_ns += on_cpu_ns("/proc/" + std::to_string(pid));
  }
  std::ifstream stat(process / "stat");
  std::string line;
  std::getline(stat, line);
  (void)parse_stat_ticks(line, sample);
  return sample;
}

std::optional<std::uint64_t> ServerMeter::private_bytes() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/smaps_rollup");
  std::ostringstream text;
  text << file.rdbuf();
  return parse_private_bytes(text.str());
}

std::chrono::nanoseconds thread_cpu() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

double Usage::generator_share() const {
  return elapsed.count() > 0
             ? static_cast<double>(generator_cpu.count()) / static_cast<double>(elapsed.count())
             : 0;
}

UsageMeter::UsageMeter(const ServerMeter* meter)
    : meter_(meter),
      server_before_(meter != nullptr ? meter->cpu() : CpuSample{}),
      start_(MonotonicClock::now()),
      generator_before_(thread_cpu()) {
}

Usage UsageMeter::so_far() const {
  Usage usage;
  usage.generator_cpu = thread_cpu() - generator_before_;
  usage.elapsed = MonotonicClock::now() - start_;
  if (meter_ != nullptr) {
    usage.server = meter_->cpu() - server_before_;
  }
  return usage;
}

}  // namespace wspush::load
