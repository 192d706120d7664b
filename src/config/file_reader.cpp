#include "config/file_reader.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "base/unique_fd.hpp"
#include "config/units.hpp"

namespace wspush::config {
namespace {

Unexpected<std::string> system_text(int error) {
  return Unexpected(std::generic_category().message(error));
}

}  // namespace

Result<std::string, std::string> read_file(const std::string& path, std::size_t bytes_max) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) {
    return system_text(errno);
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) {
    return system_text(errno);
  }
  if (S_ISDIR(status.st_mode)) {
    return system_text(EISDIR);
  }
  std::string content;
  std::array<char, 16384> chunk;
  while (content.size() <= bytes_max) {
    const ssize_t count = ::read(fd.get(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return system_text(errno);
    }
    if (count == 0) {
      return content;
    }
    content.append(chunk.data(), static_cast<std::size_t>(count));
  }
  return Unexpected("File too large: allowed are " + format_size(bytes_max));
}

}  // namespace wspush::config
