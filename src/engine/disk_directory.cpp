#include "engine/disk_directory.hpp"

#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace wspush::engine {
namespace {

constexpr const char* kFormatText = "wspushd disk 1\n";
constexpr std::size_t kFileBytesMax = 256;

std::string error_text(int error) {
  char buffer[128];
  return ::strerror_r(error, buffer, sizeof(buffer));  // the GNU one
}

/// What an operator can do about it.
std::string remedy(int error) {
  switch (error) {
    case EACCES:
    case EPERM:
      return "give it to the user that wspushd runs as";
    case ENOSPC:
    case EDQUOT:
      return "make room there";
    case ENOENT:
      return "create the directory above it";
    case ENOTDIR:
      return "name a directory";
    case EROFS:
      return "its file system is mounted read-only";
    default:
      return "see what is wrong with its file system";
  }
}

Unexpected<std::string> fault(const std::string& path, int error) {
  return Unexpected(path + ": " + error_text(error) + "; " + remedy(error) +
                    ", or set engine.disk.path to another directory");
}

/// The first bytes of a file; empty where it is not there.
Result<std::string, std::string> read_file(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT) {
      return std::string();
    }
    return fault(path, errno);
  }
  std::string text(kFileBytesMax, '\0');
  const ssize_t bytes = ::read(file.get(), text.data(), text.size());
  if (bytes < 0) {
    return fault(path, errno);
  }
  text.resize(static_cast<std::size_t>(bytes));
  return text;
}

int sync_directory(const std::string& path) {
  const UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return directory && ::fsync(directory.get()) == 0 ? 0 : errno;
}

/// All of it or nothing, and on the disk.
Result<void, std::string> replace_file(const std::string& directory, const std::string& name,
                                       const std::string& text) {
  const std::string path = directory + "/" + name;
  const std::string draft = path + ".new";
  const UniqueFd file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) {
    return fault(draft, errno);
  }
  errno = ENOSPC;  // for a write that takes a part
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::fsync(file.get()) != 0 || ::rename(draft.c_str(), path.c_str()) != 0) {
    return fault(draft, errno);
  }
  if (const int error = sync_directory(directory)) {
    return fault(directory, error);
  }
  return {};
}

/// A log that a killed process left to the kernel goes to the disk before anybody builds on it.
Result<void, std::string> sync_logs(const std::string& store) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(store.c_str()), ::closedir);
  if (directory == nullptr) {
    return errno == ENOENT ? Result<void, std::string>() : fault(store, errno);
  }
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (!name.ends_with(".log")) {
      continue;
    }
    const std::string path = store + "/" + name;
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file || ::fsync(file.get()) != 0) {
      return fault(path, errno);
    }
  }
  return {};
}

}  // namespace

std::string read_boot_id() {
  auto text = read_file("/proc/sys/kernel/random/boot_id");
  std::string id = text ? std::move(*text) : std::string();
  while (!id.empty() && id.back() == '\n') {
    id.pop_back();
  }
  return id;
}

Result<DiskDirectory, std::string> DiskDirectory::open(const std::string& path,
                                                       std::string boot_id) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return fault(path, errno);
  }
  DiskDirectory directory(path);
  directory.boot_id_ = std::move(boot_id);
  if (auto done = directory.lock(); !done) {
    return Unexpected(std::move(done.error()));
  }
  if (auto done = directory.check_format(); !done) {
    return Unexpected(std::move(done.error()));
  }
  if (auto done = directory.read_state(); !done) {
    return Unexpected(std::move(done.error()));
  }
  return directory;
}

Result<void, std::string> DiskDirectory::lock() {
  const std::string path = path_ + "/lock";
  lock_.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock_) {
    return fault(path, errno);
  }
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return fault(path, errno);
    }
    const auto pid = read_file(path);
    return Unexpected(
        path_ + ": another wspushd uses it" +
        (pid && !pid->empty() ? " (pid " + pid->substr(0, pid->find('\n')) + ")" : std::string()) +
        "; stop that one, or set engine.disk.path to another directory");
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  errno = ENOSPC;
  if (::ftruncate(lock_.get(), 0) != 0 ||
      ::pwrite(lock_.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return fault(path, errno);
  }
  return {};
}

Result<void, std::string> DiskDirectory::check_format() {
  auto format = read_file(path_ + "/format");
  if (!format) {
    return Unexpected(std::move(format.error()));
  }
  if (*format == kFormatText) {
    return {};
  }
  struct stat store {};
  if (format->empty() && ::stat(store_path().c_str(), &store) != 0) {
    return replace_file(path_, "format", kFormatText);  // a new one
  }
  return Unexpected(path_ + ": its format is \"" + format->substr(0, format->find('\n')) +
                    "\", this version reads \"wspushd disk 1\" only; start the version that wrote "
                    "it, or set engine.disk.path to another directory");
}

Result<void, std::string> DiskDirectory::read_state() {
  const auto state = read_file(path_ + "/state");
  if (!state) {
    return Unexpected(state.error());
  }
  if (*state == "clean\n") {
    return {};
  }
  struct stat store {};
  const bool is_new = state->empty() && ::stat(store_path().c_str(), &store) != 0;
  const bool is_same_boot = !boot_id_.empty() && state->starts_with("running " + boot_id_ + " ");
  has_lost_ = !is_new && !is_same_boot && !state->ends_with(" turn\n");
  return sync_logs(store_path());
}

Result<void, std::string> DiskDirectory::begin(bool syncs_each) {
  return replace_file(path_, "state",
                      "running " + (boot_id_.empty() ? "unknown" : boot_id_) +
                          (syncs_each ? " turn\n" : " later\n"));
}

Result<void, std::string> DiskDirectory::end() {
  return replace_file(path_, "state", "clean\n");
}

}  // namespace wspush::engine
