#pragma once

#include <optional>
#include <string>

#include "wspush/auth/identity.hpp"
#include "wspush/base/bytes.hpp"
#include "wspush/base/result.hpp"
#include "wspush/hub/presence.hpp"

#include "door/command_error.hpp"
#include "door/context.hpp"
#include "http/request_head.hpp"
#include "http/request_target.hpp"
#include "http/response.hpp"

namespace wspush::door {

// Who sends a request to the public listener, and whether it may have what it asks for: the same
// for every door that begins with a request.

/// Why it may not: one of kUnauthenticated, kTokenExpired (HTTP: 401) and kForbidden (403).
struct Refusal {
  CommandError error;
  ByteView message;  ///< static

  int status() const { return error == CommandError::kForbidden ? 403 : 401; }
};

/// The HTTP answer that refuses; a 401 with its challenge (RFC 9110 §15.5.2, RFC 6750 §3).
http::Response response_of(const Refusal& refusal);

/// The token of a request, from the first of these that has one: `Authorization: Bearer`,
/// `?token=`, the cookie `cookie` (empty: no cookie), an entry `bearer.<token>` of
/// Sec-WebSocket-Protocol. One that is empty counts as none. Pure. Cost: O(bytes of the head).
std::optional<std::string> find_token(const http::RequestHead& head,
                                      const http::RequestTarget& target, ByteView cookie);

/// Whom a token names. Counts it where it is too large.
/// Errors: kTokenExpired or kUnauthenticated, where it is not taken.
Result<auth::IdentityRef, Refusal> check_token(const Context& context, ByteView token);

/// Who it is: its token's identity, null without a token.
/// Errors: as `check_token`.
Result<auth::IdentityRef, Refusal> identify(const Context& context, const http::RequestHead& head,
                                            const http::RequestTarget& target);

/// Whom the other members of a topic see, shared with `who`. Nobody where it is null.
hub::PresentUser present_user(const auth::IdentityRef& who);

/// Why `who` may not begin to subscribe to `name` (a topic or a pattern) now; nothing: it may.
/// kUnauthenticated where a user is wanted (`auth.required`, the rule) and there is none, or the
/// token has been revoked since. Ask again after each wait: rules and revocations change meanwhile.
std::optional<Refusal> refusal_to_subscribe(const Context& context, const auth::Identity* who,
                                            ByteView name);

/// When a connection that was opened at `opened` ends because of who it is: `who`'s token expires,
/// or, anonymous where `auth.required`, its time to send one is over. TimePoint::max(): never. Real
/// time may jump, so it is a day away at most, to be asked again.
TimePoint identity_deadline(const Context& context, const auth::Identity* who, TimePoint opened);
/// Whether that is now.
bool is_identity_over(const Context& context, const auth::Identity* who, TimePoint opened);

}  // namespace wspush::door
