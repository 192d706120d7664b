#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

#include "fuzz/fuzz.hpp"

// Runs a target over files, and over the files of directories, where there is no libFuzzer: the
// corpus is a test of every build. Each name is printed before its turn, so that the last one is
// the culprit.
namespace {

namespace fs = std::filesystem;

/// False, with a word on stderr, where `path` cannot be read.
bool replay(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    return false;
  }
  std::printf("%s\n", path.c_str());
  std::fflush(stdout);
  const wspush::fuzz::Copy copy(content);
  wspush::fuzz::run(copy.view());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<fs::path> files;
  for (int i = 1; i < argc; ++i) {
    std::error_code error;
    if (!fs::is_directory(argv[i], error)) {
      files.emplace_back(argv[i]);
      continue;
    }
    for (const auto& entry : fs::directory_iterator(argv[i], error)) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  // A corpus that is not where it was thought to be must not look like one that passed.
  bool is_good = !files.empty();
  for (const fs::path& file : files) {
    is_good = replay(file) && is_good;
  }
  std::printf("%zu inputs\n", files.size());
  return is_good ? 0 : 1;
}
