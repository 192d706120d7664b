#include "net/tls_provider.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <optional>

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "net/tls_hkdf.hpp"

namespace wspush::net {
namespace {

using Octets = std::span<const unsigned char>;

constexpr const char* kName = "wspush";

thread_local TlsSecretListener* listener_here = nullptr;

/// What a derivation is asked for with.
struct Request {
  int mode = -1;
  std::optional<TlsHash> hash;
  ByteView prefix;
  ByteView label;
  std::optional<Octets> key;
  std::optional<Octets> salt;
  Octets context;
};

Octets octets_of(const OSSL_PARAM& parameter) {
  return {static_cast<const unsigned char*>(parameter.data), parameter.data_size};
}

ByteView text_of(const OSSL_PARAM& parameter) {
  return {static_cast<const char*>(parameter.data), parameter.data_size};
}

Request read_request(const OSSL_PARAM* parameters) {
  Request request;
  for (const OSSL_PARAM* each = parameters; each->key != nullptr; ++each) {
    const ByteView name = each->key;
    if (name == OSSL_KDF_PARAM_MODE) {
      OSSL_PARAM_get_int(each, &request.mode);
    } else if (name == OSSL_KDF_PARAM_DIGEST) {
      request.hash = find_tls_hash(static_cast<const char*>(each->data));
    } else if (name == OSSL_KDF_PARAM_PREFIX) {
      request.prefix = text_of(*each);
    } else if (name == OSSL_KDF_PARAM_LABEL) {
      request.label = text_of(*each);
    } else if (name == OSSL_KDF_PARAM_KEY) {
      request.key = octets_of(*each);
    } else if (name == OSSL_KDF_PARAM_SALT) {
      request.salt = octets_of(*each);
    } else if (name == OSSL_KDF_PARAM_DATA) {
      request.context = octets_of(*each);
    }
  }
  return request;
}

bool expand(const Request& request, std::span<unsigned char> into) {
  if (!request.key ||
      !hkdf_expand_label(*request.hash, *request.key, request.label, request.context, into)) {
    return false;
  }
  if (listener_here != nullptr) {
    listener_here->on_secret(request.label, into);
  }
  return true;
}

/// The next secret of the schedule (RFC 8446 §7.1) out of the one before, which is the salt, if
/// there is one, and what is new, if there is anything: else they are zeros.
bool extract(const Request& request, std::span<unsigned char> into) {
  const TlsHash hash = *request.hash;
  const std::size_t bytes = hash_bytes(hash);
  constexpr std::array<unsigned char, kTlsHashBytesMax> kZeros{};
  const Octets zeros = Octets(kZeros).first(bytes);
  if (!request.salt) {
    return hkdf_extract(hash, zeros, request.key.value_or(zeros), into);
  }
  std::array<unsigned char, kTlsHashBytesMax> nothing;
  std::array<unsigned char, kTlsHashBytesMax> derived;
  const auto salt = std::span(derived).first(bytes);
  const bool is_good =
      hash_of_nothing(hash, std::span(nothing).first(bytes)) &&
      hkdf_expand_label(hash, *request.salt, request.label, Octets(nothing).first(bytes), salt) &&
      hkdf_extract(hash, salt, request.key.value_or(zeros), into);
  OPENSSL_cleanse(derived.data(), derived.size());
  return is_good;
}

// --- as libcrypto wants it: nothing may be thrown through it

/// There is nothing to keep: all parameters come with the call of `derive`.
void* make_context(void* provider) {
  return provider;
}

void free_context(void* /*context*/) {
}

int derive(void* /*context*/, unsigned char* into, std::size_t bytes,
           const OSSL_PARAM* parameters) {
  if (parameters == nullptr) {
    return 0;
  }
  const Request request = read_request(parameters);
  if (!request.hash || request.prefix != "tls13 ") {
    return 0;
  }
  switch (request.mode) {
    case EVP_KDF_HKDF_MODE_EXPAND_ONLY:
      return expand(request, {into, bytes}) ? 1 : 0;
    case EVP_KDF_HKDF_MODE_EXTRACT_ONLY:
      return extract(request, {into, bytes}) ? 1 : 0;
    default:
      return 0;
  }
}

const OSSL_ALGORITHM* algorithms(void* /*provider*/, int operation, int* is_not_to_be_kept) {
  static const OSSL_DISPATCH kFunctions[] = {
      {OSSL_FUNC_KDF_NEWCTX, reinterpret_cast<void (*)()>(&make_context)},
      {OSSL_FUNC_KDF_FREECTX, reinterpret_cast<void (*)()>(&free_context)},
      {OSSL_FUNC_KDF_DERIVE, reinterpret_cast<void (*)()>(&derive)},
      {0, nullptr}};
  static const OSSL_ALGORITHM kAlgorithms[] = {
      {OSSL_KDF_NAME_TLS1_3_KDF, "provider=wspush", kFunctions, "HKDF of TLS 1.3"},
      {nullptr, nullptr, nullptr, nullptr}};
  *is_not_to_be_kept = 0;
  return operation == OSSL_OP_KDF ? kAlgorithms : nullptr;
}

int start(const OSSL_CORE_HANDLE* /*core*/, const OSSL_DISPATCH* /*from_core*/,
          const OSSL_DISPATCH** functions, void** provider) {
  static const OSSL_DISPATCH kFunctions[] = {
      {OSSL_FUNC_PROVIDER_QUERY_OPERATION, reinterpret_cast<void (*)()>(&algorithms)},
      {0, nullptr}};
  static char context = 0;  // Has no state, but null would be a failure.
  *functions = kFunctions;
  *provider = &context;
  return 1;
}

}  // namespace

TlsListening::TlsListening(TlsSecretListener* listener) noexcept {
  listener_here = listener;
}

TlsListening::~TlsListening() {
  listener_here = nullptr;
}

void TlsProvider::install() {
  // Loading one must not keep libcrypto from loading its own as it would have.
  constexpr int kWithDefault = 1;
  static OSSL_PROVIDER* const provider = OSSL_PROVIDER_add_builtin(nullptr, kName, &start) == 1
                                             ? OSSL_PROVIDER_try_load(nullptr, kName, kWithDefault)
                                             : nullptr;
  // The hashes too are looked up once: without them no handshake would ever succeed.
  if (provider == nullptr || !find_tls_hash("SHA2-256") || !find_tls_hash("SHA2-384")) {
    throw std::bad_alloc();
  }
}

}  // namespace wspush::net
