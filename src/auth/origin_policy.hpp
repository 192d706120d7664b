#pragma once

#include <span>
#include <string>

#include "wspush/base/bytes.hpp"

namespace wspush::auth {

/// Whether a browser's `origin` may connect, by the entries of the config key `origins`:
/// `same` (its host and port are those of the Host header), an exact origin (scheme, host and
/// port; the host without case, default ports folded), `*.example.com` (any subdomain, any scheme
/// and port), `*`. `null` is an origin like any other: only `*` and the entry `null` let it in.
/// Source: RFC 6454 §4, RFC 6455 §10.2. Cost: O(entries x bytes). Thread: any.
bool is_origin_allowed(std::span<const std::string> allowed, ByteView origin, ByteView host);

/// The same question for the internal listener, where only the page's own origin may ask.
bool is_same_origin(ByteView origin, ByteView host);

/// Whether `host` (a Host header) is an IP literal, `localhost`, or one of `names`; with or without
/// a port. A page that rebinds its name to loopback shows its own name here.
bool is_internal_host(ByteView host, std::span<const std::string> names);

}  // namespace wspush::auth
