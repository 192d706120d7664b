#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "wspush/base/bytes.hpp"
#include "wspush/hub/presence.hpp"

#include "base/name_table.hpp"
#include "base/siphash.hpp"

namespace wspush::hub {

/// What has to be told of one member. `member` is JSON: {"user":"u1","info":{"name":"Ann"}}
struct MemberChange {
  enum class Kind : std::uint8_t {
    kEnd,  ///< nothing is left to be told
    kJoin,
    kLeave,
    kNothing,  ///< it came and went, or went and came back, before anybody was told or has seen it
  };
  Kind kind = Kind::kEnd;
  std::string member;
};

/// Some members: JSON objects with `connections`, one behind the other with commas between.
struct MembersPage {
  std::string members;
  std::optional<std::uint32_t> next;  ///< where the next page begins; nothing: this was the last
};

/// The members of one topic: one for each user, however many connections it has.
///
/// A member keeps its place from the join to the leave (and until that has been told). So a page
/// needs only to know where the one before it ended: a member who is there through the whole
/// listing is listed exactly once, one who comes or goes meanwhile at most once for each time that
/// it came. Changes wait, each member at most once, until they are told: who was gone and is back
/// by then has not been away, unless a page has shown it. That is told too, first one and then the
/// other, or whoever has asked would believe what the page said for ever.
///
/// For each member about 110 bytes with a short name and no info: 48 here, 48 of the allocator for
/// its text, 10 to 15 in the index; and what a longer name and the info add.
/// Thread: the owner's. Cost: O(1) a change, whoever else is there; a page is O(its members), and
/// a look at 24 bytes for every 64 places that are free.
class MemberTable {
 public:
  /// `key` keeps the table's shape a secret: names come from outside.
  explicit MemberTable(SipKey key) : names_(key, TextOf{this}) {}
  MemberTable(const MemberTable&) = delete;
  MemberTable& operator=(const MemberTable&) = delete;

  /// One connection more. `info` is what is shown from now on: the newest one counts.
  void join(ByteView user, ByteView info);
  /// One connection less; of a user that is there. Allocates nothing.
  void leave(ByteView user);
  /// Another info; nothing where the user is not there.
  void renew(ByteView user, ByteView info);

  /// Users that are there.
  std::uint64_t size() const { return present_; }
  /// Nobody is there, and nothing is left to be told.
  bool is_empty() const { return names_.size() == 0; }

  /// Whether joins and leaves are to be told. Switched on, everybody who is there has yet to be
  /// told of. O(members).
  void set_telling(bool is_telling);
  bool has_changes() const { return first_change_ != kNowhere; }
  /// The oldest change that has not been told, which counts as told now. O(1).
  MemberChange take_change();

  /// Members from the place `from` on, and remembers what it has shown that nobody is told yet.
  MembersPage page(std::uint32_t from, std::uint32_t members_max, std::size_t bytes_max);

  /// Records looked at so far: what the tests hold the costs above by.
  std::uint64_t looks() const { return looks_; }

 private:
  static constexpr std::uint32_t kNowhere = 0xffff'ffff;
  static constexpr std::uint32_t kMarked = 64;  ///< places of one `Marks`

  struct Entry {
    std::string text;               ///< {"user":"u1","info":null}
    std::uint32_t name_bytes = 0;   ///< of the user in it, as a JSON string with its quotes
    std::uint32_t connections = 0;  ///< 0: it has left, which has yet to be told
    std::uint32_t next = kNowhere;  ///< change to be told, or free place
    bool is_waiting = false;        ///< among the changes
  };
  static_assert(sizeof(Entry) == 48);
  /// Of 64 places, a bit each.
  struct Marks {
    std::uint64_t present = 0;
    std::uint64_t told = 0;   ///< watchers think that it is there
    std::uint64_t shown = 0;  ///< a page has shown that it is not as was told, if it was so then
  };
  struct TextOf {
    const MemberTable* table;
    ByteView operator()(std::uint32_t place) const { return table->name_at(place); }
  };

  Entry& at(std::uint32_t place) {
    ++looks_;
    return entries_[place];
  }
  const Entry& at(std::uint32_t place) const {
    ++looks_;
    return entries_[place];
  }
  ByteView spell(ByteView user);
  ByteView name_at(std::uint32_t place) const;
  std::uint32_t add(ByteView name, std::string text);
  void remove(std::uint32_t place);
  void set_present(std::uint32_t place, bool is_present);
  Marks& marks_of(std::uint32_t place) { return marks_[place / kMarked]; }
  static std::uint64_t mark_of(std::uint32_t place) {
    return std::uint64_t{1} << (place % kMarked);
  }
  void changed(std::uint32_t place);

  std::string spelled_;  ///< scratch, as long as the longest name that has joined
  std::deque<Entry> entries_;
  NameTable<TextOf> names_;
  std::vector<Marks> marks_;
  std::uint64_t present_ = 0;
  std::uint32_t first_free_ = kNowhere;
  std::uint32_t first_change_ = kNowhere;
  std::uint32_t last_change_ = kNowhere;
  bool is_telling_ = false;
  mutable std::uint64_t looks_ = 0;
};

}  // namespace wspush::hub
