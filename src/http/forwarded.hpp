#pragma once

#include <string_view>
#include <vector>

#include "http/header_map.hpp"

namespace wspush::http {

/// The addresses that proxies have named for those before them, **the nearest proxy's word first**:
/// each proxy adds its word at the end of the header, so the last of this list may be anything that
/// the client wrote.
///
/// From `X-Forwarded-For` where there is such a line, else from the `for` of `Forwarded`; several
/// lines are one list. Ports, brackets and quotes are taken off: "192.0.2.1", "2001:db8::1". An
/// entry without an address of its own (`unknown`, `_hidden`, no `for`, two of them) stays an
/// entry, as it is or empty: who walks the list must stop at it. Whether an entry is an address is
/// not looked at.
///
/// Read from the end, so that nothing that a client wrote (a quote that it left open) can hide what
/// a proxy has added behind it.
/// Lifetime: views into the head. Thread: any. Cost: O(bytes of these lines).
/// Source: RFC 7239 §4, §6; X-Forwarded-For has no standard, this is what nginx, HAProxy and the
/// balancers of the clouds write.
std::vector<std::string_view> forwarded_for(const HeaderMap& headers);

}  // namespace wspush::http
