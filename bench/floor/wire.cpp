#include "wire.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <openssl/evp.h>
#include <openssl/sha.h>

namespace wspush::floor {
namespace {

static_assert(std::endian::native == std::endian::little, "the masking key stands in words here");

template <typename Word>
Word load(const char* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

void unmask_words(char* to, const char* from, std::size_t count, std::uint32_t key) {
  const std::uint64_t twice = std::uint64_t{key} << 32 | key;
  std::size_t at = 0;
  for (; at + 8 <= count; at += 8) {
    const std::uint64_t word = load<std::uint64_t>(from + at) ^ twice;
    std::memcpy(to + at, &word, sizeof word);
  }
  for (; at < count; ++at) {
    to[at] = static_cast<char>(from[at] ^ static_cast<char>(key >> (8 * (at % 4))));
  }
}

#if defined(__x86_64__)
// A vector is read before it is written, and `to` is never behind `from`: what is written lies
// before all that is still to be read.
__attribute__((target("avx2"))) void unmask_vectors(char* to, const char* from, std::size_t count,
                                                    std::uint32_t key) {
  const __m256i keys = _mm256_set1_epi32(static_cast<int>(key));
  std::size_t at = 0;
  for (; at + 32 <= count; at += 32) {
    const __m256i masked = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + at));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + at), _mm256_xor_si256(masked, keys));
  }
  unmask_words(to + at, from + at, count - at, key);
}
#endif

}  // namespace

std::optional<std::string> switching_protocols(const std::string& head) {
  constexpr const char* kName = "\r\nSec-WebSocket-Key:";
  const char* found = ::strcasestr(head.c_str(), kName);
  if (found == nullptr) {
    return std::nullopt;
  }
  found += std::strlen(kName);
  found += std::strspn(found, " ");
  const std::string input =
      std::string(found, std::strcspn(found, " \r")) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(input.data()), input.size(), digest.data());
  std::array<unsigned char, 4 * ((SHA_DIGEST_LENGTH + 2) / 3) + 1> accept{};
  EVP_EncodeBlock(accept.data(), digest.data(), SHA_DIGEST_LENGTH);
  return std::string(
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: ") +
         reinterpret_cast<const char*>(accept.data()) + "\r\n\r\n";
}

std::size_t request_bytes(std::string_view input) {
  constexpr std::string_view kName = "\r\nContent-Length:";
  const std::size_t end = input.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    return 0;
  }
  const std::string_view head = input.substr(0, end);
  std::size_t length = 0;
  if (const std::size_t found = head.find(kName); found != std::string_view::npos) {
    const std::string_view value = head.substr(found + kName.size());
    const std::size_t digits = value.find_first_not_of(' ');
    const std::string_view number =
        value.substr(digits == std::string_view::npos ? value.size() : digits);
    (void)std::from_chars(number.data(), number.data() + number.size(), length);
  }
  const std::size_t bytes = end + 4 + length;
  return bytes <= input.size() ? bytes : 0;
}

bool read_header(const char* bytes, std::size_t count, ClientFrame& frame) {
  if (count < 2) {
    return false;
  }
  const std::size_t short_length = static_cast<unsigned char>(bytes[1]) & 0x7FU;
  const std::size_t length_bytes = short_length < 126 ? 0 : short_length == 126 ? 2 : 8;
  if (count < 2 + length_bytes + 4) {
    return false;
  }
  frame.first_byte = static_cast<std::uint8_t>(bytes[0]);
  frame.header_bytes = 2 + length_bytes + 4;
  frame.payload_bytes = short_length;
  if (length_bytes > 0) {
    frame.payload_bytes = 0;
    for (std::size_t at = 2; at < 2 + length_bytes; ++at) {
      frame.payload_bytes = frame.payload_bytes << 8 | static_cast<unsigned char>(bytes[at]);
    }
  }
  frame.masking_key = load<std::uint32_t>(bytes + 2 + length_bytes);
  return true;
}

std::size_t write_header(char* to, std::uint8_t first_byte, std::size_t payload_bytes) {
  to[0] = static_cast<char>(first_byte);
  if (payload_bytes < 126) {
    to[1] = static_cast<char>(payload_bytes);
    return 2;
  }
  const std::size_t length_bytes = payload_bytes < 65536 ? 2 : 8;
  to[1] = length_bytes == 2 ? 126 : 127;
  for (std::size_t at = 0; at < length_bytes; ++at) {
    to[2 + at] = static_cast<char>(payload_bytes >> (8 * (length_bytes - 1 - at)));
  }
  return 2 + length_bytes;
}

void unmask(char* to, const char* from, std::size_t count, std::uint32_t masking_key) {
#if defined(__x86_64__)
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  if (has_avx2 && count >= 32) {
    unmask_vectors(to, from, count, masking_key);
    return;
  }
#endif
  unmask_words(to, from, count, masking_key);
}

}  // namespace wspush::floor
