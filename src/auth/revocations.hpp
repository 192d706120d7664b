#pragma once

#include <string>
#include <unordered_map>

#include "wspush/auth/identity.hpp"
#include "wspush/base/bytes.hpp"
#include "wspush/base/clock.hpp"

#include "base/siphash.hpp"

namespace wspush::auth {

/// Tokens that are refused although they are good: by their `jti`, or all of a user's that were
/// issued before a moment. Kept in memory until they expire; a restart forgets them.
/// Cost: O(1). Thread: the owner's.
class Revocations {
 public:
  /// 100 bytes each; a table that is full refuses more rather than forget one.
  static constexpr std::size_t kEntriesMax = 100'000;

  /// `key`: what lookups are hashed with, for their names come from outside.
  explicit Revocations(SipKey key = {}) : users_(0, Hash{key}), tokens_(0, Hash{key}) {}

  /// The tokens of `user` whose `iat` is before `before`, and those without one, until `until`. A
  /// second one for the same user covers what either does, until the later end.
  /// False: the table is full, nothing has changed.
  [[nodiscard]] bool revoke_user(ByteView user, WallTime before, TimePoint until, TimePoint now);
  /// The token whose `jti` it is.
  [[nodiscard]] bool revoke_token(ByteView token_id, TimePoint until, TimePoint now);

  bool covers(const Identity& identity, TimePoint now) const;
  /// Those that have expired included, as long as they are kept.
  std::size_t size() const { return users_.size() + tokens_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    SipKey key;
    std::size_t operator()(ByteView text) const { return siphash13(key, text); }
  };
  struct UserEntry {
    WallTime before;
    TimePoint until;
  };
  template <typename Entry>
  using Table = std::unordered_map<std::string, Entry, Hash, std::equal_to<>>;

  bool make_room(TimePoint now);

  Table<UserEntry> users_;
  Table<TimePoint> tokens_;
  TimePoint next_purge_{};
};

}  // namespace wspush::auth
