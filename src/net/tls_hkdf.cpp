#include "net/tls_hkdf.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <initializer_list>
#include <memory>

#include <openssl/crypto.h>
#include <openssl/evp.h>

namespace wspush::net {
namespace {

using Octets = std::span<const unsigned char>;

constexpr std::size_t kBlockBytesMax = 128;  // of SHA-384
constexpr ByteView kPrefix = "tls13 ";
constexpr std::size_t kByteMax = 255;  ///< what a length of one byte can say

/// Looked up once; they stay until the process ends.
const EVP_MD* digest_of(TlsHash hash) {
  static const std::array<EVP_MD*, 2> digests = {EVP_MD_fetch(nullptr, "SHA2-256", nullptr),
                                                 EVP_MD_fetch(nullptr, "SHA2-384", nullptr)};
  return digests[static_cast<std::size_t>(hash)];
}

constexpr std::size_t block_bytes(TlsHash hash) {
  return hash == TlsHash::kSha256 ? 64 : kBlockBytesMax;
}

Octets octets_of(ByteView bytes) {
  return {reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()};
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

bool digest(TlsHash hash, std::initializer_list<Octets> parts, unsigned char* into) {
  thread_local std::unique_ptr<EVP_MD_CTX, FreeContext> context;
  if (context == nullptr) {
    context.reset(EVP_MD_CTX_new());  // Again, where there was no memory for it before.
  }
  const EVP_MD* const algorithm = digest_of(hash);
  if (context == nullptr || algorithm == nullptr ||
      EVP_DigestInit_ex(context.get(), algorithm, nullptr) != 1) {
    return false;
  }
  for (const Octets part : parts) {
    if (EVP_DigestUpdate(context.get(), part.data(), part.size()) != 1) {
      return false;
    }
  }
  return EVP_DigestFinal_ex(context.get(), into, nullptr) == 1;
}

/// A key of HMAC, ready for use (RFC 2104 §2). Wiped when it goes.
class HmacKey {
 public:
  /// `key` has at most a block: secrets have a hash, which is less.
  HmacKey(TlsHash hash, Octets key) : hash_(hash) { std::ranges::copy(key, pad_.begin()); }
  HmacKey(const HmacKey&) = delete;
  HmacKey& operator=(const HmacKey&) = delete;
  ~HmacKey() {
    OPENSSL_cleanse(pad_.data(), pad_.size());
    OPENSSL_cleanse(inner_.data(), inner_.size());
  }

  bool sign(Octets first, Octets second, Octets third, unsigned char* into) {
    constexpr unsigned char kInner = 0x36;
    constexpr unsigned char kOuter = 0x5c;
    flip(kInner);
    const bool is_inner = digest(hash_, {pad(), first, second, third}, inner_.data());
    flip(kInner ^ kOuter);
    const bool is_outer =
        is_inner && digest(hash_, {pad(), Octets(inner_).first(hash_bytes(hash_))}, into);
    flip(kOuter);
    return is_outer;
  }

 private:
  Octets pad() const { return Octets(pad_).first(block_bytes(hash_)); }
  void flip(unsigned char bits) {
    for (unsigned char& octet : pad_) {
      octet ^= bits;
    }
  }

  TlsHash hash_;
  std::array<unsigned char, kBlockBytesMax> pad_{};
  std::array<unsigned char, kTlsHashBytesMax> inner_{};
};

}  // namespace

std::optional<TlsHash> find_tls_hash(const char* name) {
  for (const TlsHash hash : {TlsHash::kSha256, TlsHash::kSha384}) {
    const EVP_MD* const digest = digest_of(hash);
    if (digest != nullptr &&
        (std::strcmp(EVP_MD_get0_name(digest), name) == 0 || EVP_MD_is_a(digest, name) == 1)) {
      return hash;
    }
  }
  return std::nullopt;
}

bool hkdf_extract(TlsHash hash, Octets salt, Octets secret, std::span<unsigned char> into) {
  if (salt.size() > block_bytes(hash) || into.size() != hash_bytes(hash)) {
    return false;
  }
  return HmacKey(hash, salt).sign(secret, {}, {}, into.data());
}

bool hkdf_expand_label(TlsHash hash, Octets secret, ByteView label, Octets context,
                       std::span<unsigned char> into) {
  const std::size_t step = hash_bytes(hash);
  const std::size_t label_bytes = kPrefix.size() + label.size();
  if (secret.size() > block_bytes(hash) || label_bytes > kByteMax || context.size() > kByteMax ||
      into.size() > kByteMax * step) {
    return false;
  }
  // HkdfLabel, and behind it the number of the block.
  std::array<unsigned char, 2 + 1 + kByteMax + 1 + kByteMax> info;
  std::size_t size = 0;
  const auto put = [&](Octets octets) {
    std::ranges::copy(octets, info.begin() + static_cast<std::ptrdiff_t>(size));
    size += octets.size();
  };
  info[size++] = static_cast<unsigned char>(into.size() >> 8);
  info[size++] = static_cast<unsigned char>(into.size());
  info[size++] = static_cast<unsigned char>(label_bytes);
  put(octets_of(kPrefix));
  put(octets_of(label));
  info[size++] = static_cast<unsigned char>(context.size());
  put(context);

  HmacKey key(hash, secret);
  std::array<unsigned char, kTlsHashBytesMax> block;
  Octets before;
  bool is_good = true;
  for (unsigned char number = 1; is_good && !into.empty(); ++number) {
    is_good = key.sign(before, Octets(info).first(size), {&number, 1}, block.data());
    const std::size_t taken = std::min(step, into.size());
    std::copy_n(block.begin(), taken, into.begin());
    into = into.subspan(taken);
    before = Octets(block).first(step);
  }
  OPENSSL_cleanse(block.data(), block.size());
  return is_good;
}

bool hash_of_nothing(TlsHash hash, std::span<unsigned char> into) {
  return into.size() == hash_bytes(hash) && digest(hash, {}, into.data());
}

}  // namespace wspush::net
