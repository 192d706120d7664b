#include "hub/member_table.hpp"

#include <bit>
#include <utility>

#include "base/check.hpp"
#include "base/json.hpp"

namespace wspush::hub {
namespace {

constexpr ByteView kBeforeName = R"({"user":)";
constexpr ByteView kBeforeInfo = R"(,"info":)";

std::string text_of(ByteView name, ByteView info) {
  std::string text;
  if (info.empty()) {
    info = "null";
  }
  text.reserve(kBeforeName.size() + name.size() + kBeforeInfo.size() + info.size() + 1);
  text.append(kBeforeName).append(name).append(kBeforeInfo).append(info).push_back('}');
  return text;
}

}  // namespace

/// The user as a JSON string: one spelling for each name, so that it serves as the key too. Of who
/// is there it allocates nothing: it was spelled when it joined.
ByteView MemberTable::spell(ByteView user) {
  spelled_.clear();
  append_json_string(spelled_, user);
  return spelled_;
}

ByteView MemberTable::name_at(std::uint32_t place) const {
  const Entry& entry = at(place);
  return ByteView(entry.text).substr(kBeforeName.size(), entry.name_bytes);
}

/// A place that knows its text, as the index asks for it from now on.
std::uint32_t MemberTable::add(ByteView name, std::string text) {
  std::uint32_t place = first_free_;
  if (place == kNowhere) {
    place = static_cast<std::uint32_t>(entries_.size());
    if (marks_.size() * kMarked == entries_.size()) {
      marks_.emplace_back();
    }
    entries_.emplace_back();
  }
  names_.insert(name, place);  // May throw: until here nothing that anybody sees has changed.
  if (place == first_free_) {
    first_free_ = at(place).next;
  }
  Entry& entry = at(place);
  entry = Entry{};
  entry.text = std::move(text);
  entry.name_bytes = static_cast<std::uint32_t>(name.size());
  return place;
}

void MemberTable::remove(std::uint32_t place) {
  names_.erase(name_at(place));
  Entry& entry = at(place);
  entry = Entry{};
  entry.next = first_free_;
  first_free_ = place;
}

void MemberTable::set_present(std::uint32_t place, bool is_present) {
  std::uint64_t& present = marks_of(place).present;
  present = is_present ? present | mark_of(place) : present & ~mark_of(place);
  present_ += is_present ? 1 : ~std::uint64_t{0};
}

void MemberTable::changed(std::uint32_t place) {
  Entry& entry = at(place);
  if (entry.is_waiting) {
    return;
  }
  entry.is_waiting = true;
  entry.next = kNowhere;
  (first_change_ == kNowhere ? first_change_ : at(last_change_).next) = place;
  last_change_ = place;
}

void MemberTable::join(ByteView user, ByteView info) {
  const ByteView name = spell(user);
  std::string text = text_of(name, info);
  const auto found = names_.find(name);
  const std::uint32_t place = found ? *found : add(name, std::move(text));
  Entry& entry = at(place);
  if (found) {
    entry.text = std::move(text);
  }
  if (++entry.connections > 1) {
    return;
  }
  set_present(place, true);
  if (is_telling_) {
    changed(place);
  }
}

void MemberTable::leave(ByteView user) {
  const auto place = names_.find(spell(user));
  if (!place || at(*place).connections == 0) {
    return;  // Its join was lost where memory had run out.
  }
  if (--at(*place).connections > 0) {
    return;
  }
  set_present(*place, false);
  if (is_telling_) {
    changed(*place);
  } else {
    remove(*place);
  }
}

void MemberTable::renew(ByteView user, ByteView info) {
  const ByteView name = spell(user);
  if (const auto place = names_.find(name)) {
    at(*place).text = text_of(name, info);
  }
}

void MemberTable::set_telling(bool is_telling) {
  is_telling_ = is_telling;
  first_change_ = last_change_ = kNowhere;
  for (Marks& marks : marks_) {
    marks.told = 0;
    marks.shown = is_telling ? marks.present : 0;  // A list may have shown them just before.
  }
  for (std::uint32_t place = 0; place < entries_.size(); ++place) {
    Entry& entry = at(place);
    if (entry.text.empty()) {
      continue;  // Free.
    }
    entry.is_waiting = false;
    if (entry.connections == 0) {
      remove(place);
    } else if (is_telling) {
      changed(place);
    }
  }
}

MemberChange MemberTable::take_change() {
  if (first_change_ == kNowhere) {
    return {};
  }
  const std::uint32_t place = first_change_;
  Entry& entry = at(place);
  Marks& marks = marks_of(place);
  const std::uint64_t mark = mark_of(place);
  const bool is_present = entry.connections > 0;
  const bool was_told = (marks.told & mark) != 0;
  MemberChange change{.kind = MemberChange::Kind::kNothing, .member = {}};
  if (is_present != was_told || (marks.shown & mark) != 0) {
    change.kind = was_told ? MemberChange::Kind::kLeave : MemberChange::Kind::kJoin;
    change.member = entry.text;  // May throw: nothing has changed yet.
    marks.told ^= mark;
    marks.shown &= ~mark;
    if (is_present == was_told) {
      return change;  // A page has shown that; the way back is the next change.
    }
  }
  first_change_ = entry.next;
  entry.is_waiting = false;
  entry.next = kNowhere;
  if (!is_present) {
    remove(place);
  }
  return change;
}

MembersPage MemberTable::page(std::uint32_t from, std::uint32_t members_max,
                              std::size_t bytes_max) {
  MembersPage page;
  std::uint32_t count = 0;
  for (std::size_t i = from / kMarked; i < marks_.size(); ++i) {
    Marks& marks = marks_[i];
    std::uint64_t shown = ~std::uint64_t{0};
    if (i == from / kMarked) {
      shown <<= from % kMarked;
    }
    for (std::uint64_t bits = marks.present & shown; bits != 0; bits &= bits - 1) {
      const auto place = static_cast<std::uint32_t>(i * kMarked) +
                         static_cast<std::uint32_t>(std::countr_zero(bits));
      const Entry& entry = at(place);
      if (count == members_max ||
          (count > 0 && page.members.size() + entry.text.size() > bytes_max)) {
        page.next = place;
        shown &= mark_of(place) - 1;
        break;
      }
      if (count++ > 0) {
        page.members.push_back(',');
      }
      page.members.append(entry.text, 0, entry.text.size() - 1);
      page.members.append(R"(,"connections":)").append(std::to_string(entry.connections));
      page.members.push_back('}');
    }
    if (const std::uint64_t untold = (marks.present ^ marks.told) & shown;
        is_telling_ && untold != 0) {
      marks.shown |= untold;
    }
    if (page.next) {
      break;
    }
  }
  return page;
}

}  // namespace wspush::hub
