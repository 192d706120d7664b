#pragma once

#include <string>

namespace wspush::net {

/// What OpenSSL put into this thread's error queue first, in its own words ("wrong version
/// number"), and an empty queue; "unknown error" if it is empty already. Thread: any.
std::string take_tls_error();

/// Empties the queue. Before every call whose result SSL_get_error() is asked about: it looks into
/// the queue first, and takes an old error for a new one.
void clear_tls_errors();

}  // namespace wspush::net
