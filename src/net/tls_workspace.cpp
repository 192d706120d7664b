#include "net/tls_workspace.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include <openssl/bio.h>

#include "base/check.hpp"

namespace wspush::net {
namespace {

/// Room for the ciphertext of one write: its records, 22 to 29 bytes more each, and what else a
/// handshake may say at once.
constexpr std::size_t kOutputBytes = std::size_t{96} * 1024;

}  // namespace

/// The BIO that OpenSSL reads and writes with. It never waits for a socket: reads take from
/// `input_` until that is empty, writes always go to `output_`. uSockets shares its BIOs in the
/// same way; OpenSSL keeps nothing of a connection in them.
struct TlsWorkspace::BioMethod {
  static int read(BIO* bio, char* into, int size) {
    auto& workspace = *static_cast<TlsWorkspace*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const std::size_t taken = std::min(workspace.input_.size(), static_cast<std::size_t>(size));
    if (taken == 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    std::memcpy(into, workspace.input_.data(), taken);
    workspace.input_ = workspace.input_.subspan(taken);
    return static_cast<int>(taken);
  }

  static int write(BIO* bio, const char* bytes, int size) {
    auto& workspace = *static_cast<TlsWorkspace*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    try {
      workspace.output_.append(bytes, static_cast<std::size_t>(size));
    } catch (const std::bad_alloc&) {
      return -1;  // Nothing may be thrown through OpenSSL; without the retry flag it is an error.
    }
    return size;
  }

  static long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static const BIO_METHOD* get() {
    static BIO_METHOD* const method = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wspush");
      WSPUSH_CHECK(made != nullptr && BIO_meth_set_read(made, &read) == 1 &&
                   BIO_meth_set_write(made, &write) == 1 && BIO_meth_set_ctrl(made, &control) == 1);
      return made;
    }();
    return method;
  }
};

void TlsWorkspace::BioDeleter::operator()(bio_st* bio) const {
  BIO_free(bio);
}

TlsWorkspace::TlsWorkspace()
    : received_(kReceivedBytes), record_(kContentBytes), bio_(BIO_new(BioMethod::get())) {
  if (bio_ == nullptr) {
    throw std::bad_alloc();
  }
  pieces_.reserve(kPiecesMax);
  static_assert(kOutputBytes >= kAheadBytesMax + 2 * kContentBytes);
  output_.reserve(kOutputBytes);
  BIO_set_data(bio_.get(), this);
  BIO_set_init(bio_.get(), 1);
}

TlsWorkspace::~TlsWorkspace() = default;

void TlsWorkspace::count(TlsResult result, std::string why) {
  ++counts_[static_cast<std::size_t>(result)];
  if (!why.empty()) {
    last_failure_ = std::move(why);
  }
}

}  // namespace wspush::net
