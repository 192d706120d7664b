#include "auth/revocations.hpp"

#include <algorithm>

namespace wspush::auth {
namespace {

/// Expired entries are looked for so often, and whenever the table is full.
constexpr auto kPurgeInterval = std::chrono::minutes(1);

}  // namespace

bool Revocations::make_room(TimePoint now) {
  if (size() >= kEntriesMax || now >= next_purge_) {
    std::erase_if(users_, [now](const auto& entry) { return entry.second.until <= now; });
    std::erase_if(tokens_, [now](const auto& entry) { return entry.second <= now; });
    next_purge_ = now + kPurgeInterval;
  }
  return size() < kEntriesMax;
}

bool Revocations::revoke_user(ByteView user, WallTime before, TimePoint until, TimePoint now) {
  const auto found = users_.find(user);
  if (found != users_.end()) {
    UserEntry& entry = found->second;
    entry = {std::max(entry.before, before), std::max(entry.until, until)};
    return true;
  }
  if (!make_room(now)) {
    return false;
  }
  users_.emplace(user, UserEntry{before, until});
  return true;
}

bool Revocations::revoke_token(ByteView token_id, TimePoint until, TimePoint now) {
  const auto found = tokens_.find(token_id);
  if (found != tokens_.end()) {
    found->second = std::max(found->second, until);
    return true;
  }
  if (!make_room(now)) {
    return false;
  }
  tokens_.emplace(token_id, until);
  return true;
}

bool Revocations::covers(const Identity& identity, TimePoint now) const {
  if (const auto user = users_.find(ByteView(identity.user));
      user != users_.end() && now < user->second.until &&
      (!identity.issued_at || *identity.issued_at < user->second.before)) {
    return true;
  }
  const auto token =
      identity.token_id.empty() ? tokens_.end() : tokens_.find(ByteView(identity.token_id));
  return token != tokens_.end() && now < token->second;
}

}  // namespace wspush::auth
