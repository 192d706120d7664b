#pragma once

#include <memory>
#include <string>
#include <vector>

#include "wspush/base/result.hpp"
#include "wspush/config/config.hpp"

#include "net/tls_context.hpp"

namespace wspush::server {

/// What each listener says in TLS handshakes: those of `listen` in their order, the internal one
/// last. Null: plain.
using ListenerTls = std::vector<std::shared_ptr<const net::TlsContext>>;

/// A key of the configuration that names a file which cannot be used.
struct TlsFault {
  std::string key;  ///< "listen[0].tls.key"
  std::string message;
};

/// Reads all certificates and keys that `config` names; may block on the disk. `tickets` must
/// outlive what is returned.
/// Errors: the first fault of each listener.
Result<ListenerTls, std::vector<TlsFault>> open_listener_tls(const config::Config& config,
                                                             net::TlsTicketKeys& tickets);

/// What an operator should hear of, one line each: certificates that have expired.
std::vector<std::string> tls_warnings(const config::Config& config, const ListenerTls& tls);

/// What the `running` listeners say after a reload: what the listener of the same address says in
/// `loaded` (for which `opened` is), and what they said before where there is none.
ListenerTls reloaded_tls(const config::Config& running, const ListenerTls& now,
                         const config::Config& loaded, const ListenerTls& opened);

}  // namespace wspush::server
