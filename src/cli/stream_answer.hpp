#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wspush/base/bytes.hpp"

namespace wspush::cli {

/// What the server says at the end of a `POST /api/messages` stream.
struct StreamAnswer {
  std::uint64_t published = 0;
  std::uint64_t failed = 0;
  std::vector<std::string> notes;  ///< "line 3: ... (code)", of the first errors
};

/// `{"published":998,"failed":2,"errors":[{"line":3,"error":{"code","message"}}...]}`; none where
/// it is something else. `lines_before` is added to the numbers. Pure. Cost: O(bytes).
std::optional<StreamAnswer> parse_stream_answer(ByteView body, std::uint64_t lines_before);

}  // namespace wspush::cli
