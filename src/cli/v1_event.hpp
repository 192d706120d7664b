#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "wspush/base/bytes.hpp"

#include "base/json.hpp"

namespace wspush::cli {

/// One thing that the server said on the wspush.v1 door: a JSON object, cut into its members.
///
/// The cut is our own, since the payload of a message may be as deep as JSON may be here, and the
/// object around it is one deeper. Each value is checked when it is asked for, so a broken text
/// gives missing members, never a read beyond it. Lifetime: dies with the text.
class V1Event {
 public:
  /// None where `text` is not an object. Cost: one pass; never allocates.
  static std::optional<V1Event> parse(ByteView text);

  /// The value of a member; none where it is missing or no JSON. Cost: O(its bytes).
  std::optional<JsonValue> find(ByteView name) const;

  /// The text of a string or nothing.
  std::optional<std::string> find_string(ByteView name) const;

 private:
  struct Member {
    ByteView name;
    ByteView raw;
  };

  std::array<Member, 16> members_;  ///< an event has fewer than ten
  std::size_t count_ = 0;
};

}  // namespace wspush::cli
