#include "cpu_meter.hpp"

#include <algorithm>
#include <charconv>
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

Result<CpuMeter, std::string> CpuMeter::attach(pid_t pid) {
  const std::string cpus = allowed_cpus(pid);
  if (cpus.empty()) {
    return Unexpected("there is no process " + std::to_string(pid));
  }
  CpuMeter meter(pid);
  meter.ksoftirqd_ = find_ksoftirqd(parse_cpu_list(cpus));
  return meter;
}

CpuSample CpuMeter::sample() const {
  CpuSample sample;
  std::error_code error;
  for (const auto& task :
       fs::directory_iterator("/proc/" + std::to_string(pid_) + "/task", error)) {
    sample.server_ns += on_cpu_ns(task.path());
  }
  for (const pid_t pid : ksoftirqd_) {
    sample.ksoftirqd_ns += on_cpu_ns("/proc/" + std::to_string(pid));
  }
  return sample;
}

}  // namespace wspush::load
