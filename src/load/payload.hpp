#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wspush::load {

/// What a payload is filled with. For compression it matters: a letter repeated shrinks to nothing;
/// for the check of UTF-8 it does too.
enum class PayloadKind : std::uint8_t {
  kLetter,    ///< one letter that depends on the number, repeated
  kMixed,     ///< words and random letters in turns: about half of it is left after compression
  kNonAscii,  ///< letters of two, three and four bytes
  kRandom,    ///< any bytes: goes as a binary message
};

/// Payload of message `sequence`: 16 hex digits of the number, then the filling. All kinds but
/// kRandom are text that needs no escaping, so that a JSON string carries it as it is.
inline constexpr std::size_t kPayloadBytesMin = 16;

/// Appends it. Fewer `bytes` than kPayloadBytesMin count as that.
void append_payload(std::string& out, std::uint64_t sequence, std::size_t bytes,
                    PayloadKind kind = PayloadKind::kLetter);

std::string make_payload(std::uint64_t sequence, std::size_t bytes,
                         PayloadKind kind = PayloadKind::kLetter);

/// Appends the entry of the publish API for it, `{"topic":...,"text":...}`; kRandom as base64.
void append_json_entry(std::string& out, std::string_view topic, std::uint64_t sequence,
                       std::size_t bytes, PayloadKind kind);

/// The number a payload carries; nullopt where there is none.
std::optional<std::uint64_t> sequence_of(std::string_view payload);

/// True if `payload` is byte for byte what make_payload made. Cost: O(bytes).
bool is_intact(std::string_view payload, std::uint64_t sequence, std::size_t bytes,
               PayloadKind kind = PayloadKind::kLetter);

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
