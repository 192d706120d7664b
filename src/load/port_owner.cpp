#include "load/port_owner.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

namespace wspush::load {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kStateListen = 0x0A;

// A line of /proc/net/tcp: `sl: local:port remote:port state queues timers retransmits uid timeout
// inode`; addresses in hex, in the byte order of the machine, ports in plain hex.
std::vector<std::uint64_t> listening_inodes(const Address& address) {
  std::vector<std::uint64_t> inodes;
  std::ifstream file("/proc/net/tcp");
  for (std::string line; std::getline(file, line);) {
    std::uint32_t ip = 0;
    unsigned port = 0;
    unsigned state = 0;
    std::uint64_t inode = 0;
    const int fields = std::sscanf(
        line.c_str(), " %*d: %" SCNx32 ":%x %*x:%*x %x %*x:%*x %*x:%*x %*x %*d %*d %" SCNu64, &ip,
        &port, &state, &inode);
    if (fields == 4 && state == kStateListen && port == address.port &&
        (ip == address.ip.s_addr || ip == 0)) {
      inodes.push_back(inode);
    }
  }
  return inodes;
}

std::vector<std::string> open_descriptors(pid_t pid) {
  std::vector<std::string> targets;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd", error)) {
    std::error_code gone;
    targets.push_back(fs::read_symlink(entry.path(), gone).string());
  }
  return targets;
}

}  // namespace

Result<void, std::string> require_port_owner(const Address& address, pid_t pid) {
  const std::vector<std::uint64_t> inodes = listening_inodes(address);
  if (inodes.empty()) {
    return Unexpected("nothing listens on " + address.to_string());
  }
  const std::vector<std::string> descriptors = open_descriptors(pid);
  for (const std::uint64_t inode : inodes) {
    const std::string name = "socket:[" + std::to_string(inode) + "]";
    if (std::find(descriptors.begin(), descriptors.end(), name) == descriptors.end()) {
      return Unexpected("a process other than " + std::to_string(pid) + " listens on " +
                        address.to_string());
    }
  }
  return {};
}

}  // namespace wspush::load
