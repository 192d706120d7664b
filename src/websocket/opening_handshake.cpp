#include "websocket/opening_handshake.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>

#include <openssl/evp.h>

#include "base/base64.hpp"
#include "base/check.hpp"

namespace wspush::websocket {
namespace {

constexpr ByteView kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::size_t kSha1Bytes = 20;
constexpr std::size_t kKeyChars = 24;

using Sha1 = std::array<char, kSha1Bytes>;

/// One context for each thread, and the algorithm looked up once: a lookup by name costs more than
/// the digest.
Sha1 sha1(ByteView first, ByteView second) {
  struct FreeContext {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  struct FreeDigest {
    void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
  };
  static const std::unique_ptr<EVP_MD, FreeDigest> digest{EVP_MD_fetch(nullptr, "SHA1", nullptr)};
  thread_local const std::unique_ptr<EVP_MD_CTX, FreeContext> context{EVP_MD_CTX_new()};
  Sha1 out{};
  // Only an OpenSSL without SHA-1 fails here, and with that no connection could ever be made.
  WSPUSH_CHECK(digest != nullptr && context != nullptr);
  WSPUSH_CHECK(EVP_DigestInit_ex2(context.get(), digest.get(), nullptr) == 1 &&
               EVP_DigestUpdate(context.get(), first.data(), first.size()) == 1 &&
               EVP_DigestUpdate(context.get(), second.data(), second.size()) == 1 &&
               EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(out.data()),
                                  nullptr) == 1);
  return out;
}

constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

constexpr bool is_digit_or_letter(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

constexpr bool is_token_char(char c) {
  return is_digit_or_letter(c) ||
         (c != '\0' && ByteView("!#$%&'*+-.^_`|~").find(c) != ByteView::npos);
}

constexpr char lowered(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

ByteView trimmed(ByteView text) {
  while (!text.empty() && is_blank(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_blank(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

/// Bytes up to the first comma outside of a quoted string.
std::size_t element_bytes(ByteView value) {
  bool is_quoted = false;
  for (std::size_t at = 0; at < value.size(); ++at) {
    const char c = value[at];
    if (c == '"') {
      is_quoted = !is_quoted;
    } else if (is_quoted && c == '\\') {
      ++at;  // The next character stands for itself.
    } else if (!is_quoted && c == ',') {
      return at;
    }
  }
  return value.size();
}

}  // namespace

std::string accept_key(ByteView key) {
  const Sha1 digest = sha1(key, kGuid);
  return base64_encode({digest.data(), digest.size()});
}

bool is_valid_key(ByteView key) noexcept {
  return key.size() == kKeyChars && key.ends_with("==") &&
         std::ranges::all_of(key.substr(0, kKeyChars - 2),
                             [](char c) { return is_digit_or_letter(c) || c == '+' || c == '/'; });
}

bool take_list_element(ByteView& value, ByteView& element) noexcept {
  while (!value.empty()) {
    const std::size_t bytes = element_bytes(value);
    element = trimmed(value.substr(0, bytes));
    value.remove_prefix(std::min(bytes + 1, value.size()));
    if (!element.empty()) {
      return true;
    }
  }
  return false;
}

bool list_contains_token(ByteView value, ByteView token) noexcept {
  ByteView element;
  while (take_list_element(value, element)) {
    if (equals_ignoring_case(element, token)) {
      return true;
    }
  }
  return false;
}

bool is_token(ByteView text) noexcept {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}

bool equals_ignoring_case(ByteView left, ByteView right) noexcept {
  return std::ranges::equal(left, right, [](char a, char b) { return lowered(a) == lowered(b); });
}

std::optional<std::vector<ByteView>> parse_subprotocols(std::span<const ByteView> values) {
  std::vector<ByteView> entries;
  for (ByteView value : values) {
    ByteView entry;
    while (take_list_element(value, entry)) {
      if (!is_token(entry) || entries.size() == kSubprotocolsMax) {
        return std::nullopt;
      }
      entries.push_back(entry);
    }
  }
  if (entries.empty() && !values.empty()) {
    return std::nullopt;
  }
  if (entries.size() < 2) {
    return entries;
  }
  std::vector<ByteView> sorted = entries;
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end()) {
    return std::nullopt;
  }
  return entries;
}

std::optional<ByteView> choose_subprotocol(std::span<const ByteView> offered,
                                           std::span<const std::string> supported) noexcept {
  const auto chosen = std::ranges::find_if(offered, [supported](ByteView entry) {
    return std::ranges::find(supported, entry) != supported.end();
  });
  return chosen == offered.end() ? std::nullopt : std::optional(*chosen);
}

}  // namespace wspush::websocket
