#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wspush::load {

/// What a payload is filled with. For compression it matters: a letter repeated shrinks to nothing.
enum class PayloadText : std::uint8_t {
  kLetter,  ///< one letter that depends on the number, repeated
  kMixed,   ///< words and random letters in turns: about half of it is left after compression
};

/// Payload of message `sequence`: 16 hex digits of the number, then the filling. Text that needs no
/// escaping, so that a JSON string carries it as it is.
inline constexpr std::size_t kPayloadBytesMin = 16;

std::string make_payload(std::uint64_t sequence, std::size_t bytes,
                         PayloadText text = PayloadText::kLetter);

/// The number a payload carries; nullopt where there is none.
std::optional<std::uint64_t> sequence_of(std::string_view payload);

/// True if `payload` is byte for byte what make_payload made. Cost: O(bytes).
bool is_intact(std::string_view payload, std::uint64_t sequence, std::size_t bytes,
               PayloadText text = PayloadText::kLetter);

/// The string value of member `name` in a JSON object as wspushd writes it, for values without
/// escapes; nullopt where there is none. Finds the first `"name":"`, at any depth.
std::optional<std::string_view> find_json_string(std::string_view object, std::string_view name);

/// `<epoch>-<offset>`, a message id of wspushd.
struct MessageId {
  std::string_view epoch;
  std::uint64_t offset = 0;
};
std::optional<MessageId> parse_message_id(std::string_view text);

}  // namespace wspush::load
