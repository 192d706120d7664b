#pragma once

#include <cstddef>
#include <string>

#include "wspush/base/result.hpp"

namespace wspush::config {

/// The whole content of the file at `path`: a regular file, or a pipe or device that ends.
/// Errors: the system's own text ("No such file or directory", "Is a directory"), or that it is
/// larger than `bytes_max`, of which at most one byte more is read. May block. Thread: any.
Result<std::string, std::string> read_file(const std::string& path, std::size_t bytes_max);

}  // namespace wspush::config
