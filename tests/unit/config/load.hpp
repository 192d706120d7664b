#pragma once

#include <cstdlib>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/yaml_loader.hpp"

// What the tests of this module share: loading a text, and files that go away by themselves.
namespace wspush::config {

inline LoadResult load_text(std::string text, std::vector<std::string> set = {}) {
  LoadRequest request;
  request.path = "w.yaml";
  request.text = std::move(text);
  request.set = std::move(set);
  return load_config(request);
}

/// The faults of a text, one line each.
inline std::vector<std::string> faults_of(std::string text, std::vector<std::string> set = {}) {
  std::vector<std::string> lines;
  for (const Fault& fault : load_text(std::move(text), std::move(set)).faults) {
    lines.push_back(to_string(fault));
  }
  return lines;
}

/// The faults of the built-in default with overrides.
inline std::vector<std::string> faults_of_overrides(const LoadRequest& request) {
  std::vector<std::string> lines;
  for (const Fault& fault : load_config(request).faults) {
    lines.push_back(to_string(fault));
  }
  return lines;
}

/// A file with a name of its own below the system's directory for temporary files.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content) : path_(testing::TempDir() + "wspush_XXXXXX") {
    const int fd = ::mkstemp(path_.data());
    EXPECT_GE(fd, 0);
    std::ofstream(path_, std::ios::binary) << content;
    ::close(fd);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { ::unlink(path_.c_str()); }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::string read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace wspush::config
