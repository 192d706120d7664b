#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wspush::floor {

/// The little of RFC 6455 that the floor servers need. Nothing here checks a peer: the floor is
/// what is left when a server does only what cannot be left out, and its peer is our own load.

inline constexpr std::uint8_t kOpcodeText = 0x1;
inline constexpr std::uint8_t kOpcodeBinary = 0x2;

/// The longest header that a server sends, §5.2: no masking key.
inline constexpr std::size_t kServerHeaderBytesMax = 10;

/// The answer to the handshake in `head`, a whole request head; nothing where it has no
/// Sec-WebSocket-Key. §4.2.2.
std::optional<std::string> switching_protocols(const std::string& head);

/// What wspushd answers to a published message, but for its id and the date.
inline constexpr std::string_view kPublishAnswer =
    "HTTP/1.1 201 Created\r\nDate: Thu, 26 Nov 2026 08:00:00 GMT\r\nConnection: keep-alive\r\n"
    "Content-Type: application/json\r\nContent-Length: 41\r\n\r\n"
    "{\"id\":\"5f1c0a2b-1234567\",\"subscribers\":0}";

/// Bytes of the request that `input` begins with, head and body; 0 while it is not whole. Its end
/// is told by `Content-Length` alone.
std::size_t request_bytes(std::string_view input);

/// A frame that a client sent. All clients mask, §5.1.
struct ClientFrame {
  std::uint8_t first_byte = 0;   ///< FIN, reserved bits and opcode, as they came
  std::size_t header_bytes = 0;  ///< 6, 8 or 14
  std::size_t payload_bytes = 0;
  std::uint32_t masking_key = 0;  ///< in the byte order of the wire

  std::uint8_t opcode() const { return first_byte & 0x0F; }
};

/// Reads the header that `bytes` begin with; false while it is not whole. The payload behind it
/// may be missing still.
bool read_header(const char* bytes, std::size_t count, ClientFrame& frame);

/// Writes the header of an unmasked frame; returns how many bytes it took.
std::size_t write_header(char* to, std::uint8_t first_byte, std::size_t payload_bytes);

/// Unmasks `count` bytes on their way from `from` to `to`: `to` is `from`, before it, or elsewhere.
void unmask(char* to, const char* from, std::size_t count, std::uint32_t masking_key);

}  // namespace wspush::floor
