#pragma once

#include <chrono>
#include <memory>
#include <mutex>

#include "wspush/base/clock.hpp"

struct ssl_ctx_st;

namespace wspush::net {

/// The keys that session tickets are sealed with. One set for the whole process: a client that
/// comes back resumes at whichever reactor takes it, and after a reload of the certificates.
///
/// A ticket is good for kLifetime; the key that seals is as old as that at most, and the one before
/// it still opens. So no key is kept for more than twice the lifetime: whoever gets hold of the
/// process' memory cannot read the TLS 1.2 sessions of yesterday.
///
/// Thread: any; guarded within. Lifetime: longer than every context that it serves.
class TlsTicketKeys {
 public:
  static constexpr std::chrono::seconds kLifetime = std::chrono::hours(2);

  TlsTicketKeys();
  ~TlsTicketKeys();
  TlsTicketKeys(const TlsTicketKeys&) = delete;
  TlsTicketKeys& operator=(const TlsTicketKeys&) = delete;

  /// Makes a new key; the current one only opens from now on, the one before it nothing. Done by
  /// itself when a ticket is to be sealed and the key is too old.
  void rotate(TimePoint now);

  /// Makes `context` seal and open its tickets here.
  void serve(ssl_ctx_st* context);

 private:
  struct Key;
  struct Callback;

  void replace_current(TimePoint now);

  std::mutex mutex_;
  std::unique_ptr<Key> current_;
  std::unique_ptr<Key> previous_;
};

}  // namespace wspush::net
