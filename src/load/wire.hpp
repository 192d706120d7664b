#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wspush::load {

/// What the load programs must know of RFC 6455, written a second time on purpose: a benchmark and
/// a checker that shared the server's codec would agree with its mistakes.

inline constexpr std::uint8_t kOpcodeText = 0x1;
inline constexpr std::uint8_t kOpcodeBinary = 0x2;
inline constexpr std::uint8_t kOpcodeClose = 0x8;
inline constexpr std::uint8_t kOpcodePing = 0x9;
inline constexpr std::uint8_t kOpcodePong = 0xA;

/// The Sec-WebSocket-Accept that answers `key`. Source: RFC 6455 §4.2.2.
std::string accept_for(std::string_view key);

/// A Sec-WebSocket-Key: 16 bytes made from `seed`, in base64. Not secret, only unlike its
/// neighbours.
std::string key_from(std::uint64_t seed);

std::string base64_of(std::string_view bytes);

struct UpgradeRequest {
  std::string_view host;         ///< value of `Host`
  std::string_view path;         ///< origin form, already percent-encoded
  std::string_view key;          ///< Sec-WebSocket-Key
  std::string_view subprotocol;  ///< empty: none is offered
  std::string_view extensions;   ///< likewise
  std::string_view token;        ///< a bearer token, likewise
};
std::string encode_upgrade_request(const UpgradeRequest& request);

/// The value of the header `name` (lower case) in an HTTP head, trimmed; nullopt where it is
/// absent.
std::optional<std::string_view> find_header(std::string_view head, std::string_view name);

/// Appends one unfragmented, unmasked frame: what a server sends.
void append_server_frame(std::string& out, std::uint8_t opcode, std::string_view payload);

/// Appends one unfragmented, masked frame: what a client sends. RFC 6455 §5.3.
void append_client_frame(std::string& out, std::uint8_t opcode, std::string_view payload,
                         std::uint32_t masking_key);

/// Sets RSV1 in the frame that begins at `out[start]`: its payload is compressed. RFC 7692 §6.
void mark_compressed(std::string& out, std::size_t start);

/// One frame in the bytes that were read.
struct FrameView {
  std::uint8_t opcode = 0;
  bool is_masked = false;
  bool is_compressed = false;  ///< RSV1
  std::size_t header_bytes = 0;
  std::size_t payload_bytes = 0;
  std::uint32_t masking_key = 0;  ///< in the byte order of the wire

  std::size_t bytes() const { return header_bytes + payload_bytes; }
};

enum class FrameStatus { kWhole, kNeedMore, kRefused };

/// Reads the header of the frame that `input` starts with; kWhole only when its payload is there
/// too. kRefused: a fragment, a reserved bit other than RSV1, or a payload over `kFrameBytesMax`;
/// nothing here sends those.
FrameStatus parse_frame(std::string_view input, FrameView& frame);

/// "1008 not allowed", of a close frame's payload, or "no code".
std::string describe_close(std::string_view payload);

/// The code of a close frame's payload, 0 without one.
unsigned close_code_of(std::string_view payload);

/// Undoes (or does) the masking of `payload`, in place.
void apply_mask(char* payload, std::size_t bytes, std::uint32_t masking_key);

inline constexpr std::size_t kFrameBytesMax = std::size_t{16} << 20;

}  // namespace wspush::load
