#include "hub/member_table.hpp"

#include <bit>
#include <utility>

#include "base/check.hpp"
#include "base/json.hpp"

namespace wspush::hub {
namespace {

constexpr ByteView kBeforeName = R"({"user":)";
constexpr ByteView kBeforeInfo = R"(,"info":)";
constexpr std::uint32_t kWordBits = 64;

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
    if (present_bits_.size() * kWordBits == entries_.size()) {
      present_bits_.push_back(0);
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
  const std::uint64_t bit = std::uint64_t{1} << (place % kWordBits);
  std::uint64_t& word = present_bits_[place / kWordBits];
  word = is_present ? word | bit : word & ~bit;
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
  for (std::uint32_t place = 0; place < entries_.size(); ++place) {
    Entry& entry = at(place);
    if (entry.text.empty()) {
      continue;  // Free.
    }
    entry.is_told = entry.is_waiting = false;
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
  const bool is_present = entry.connections > 0;
  MemberChange change{.kind = MemberChange::Kind::kNothing, .member = {}};
  if (is_present != entry.is_told) {
    change.kind = is_present ? MemberChange::Kind::kJoin : MemberChange::Kind::kLeave;
    change.member = entry.text;  // May throw: nothing has changed yet.
  }
  first_change_ = entry.next;
  entry.is_waiting = false;
  entry.next = kNowhere;
  entry.is_told = is_present;
  if (!is_present) {
    remove(place);
  }
  return change;
}

MembersPage MemberTable::page(std::uint32_t from, std::uint32_t members_max,
                              std::size_t bytes_max) const {
  MembersPage page;
  std::uint32_t count = 0;
  for (std::size_t word = from / kWordBits; word < present_bits_.size(); ++word) {
    std::uint64_t bits = present_bits_[word];
    if (word == from / kWordBits) {
      bits &= ~std::uint64_t{0} << (from % kWordBits);
    }
    for (; bits != 0; bits &= bits - 1) {
      const auto place = static_cast<std::uint32_t>(word * kWordBits) +
                         static_cast<std::uint32_t>(std::countr_zero(bits));
      const Entry& entry = at(place);
      if (count == members_max ||
          (count > 0 && page.members.size() + entry.text.size() > bytes_max)) {
        page.next = place;
        return page;
      }
      if (count++ > 0) {
        page.members.push_back(',');
      }
      page.members.append(entry.text, 0, entry.text.size() - 1);
      page.members.append(R"(,"connections":)").append(std::to_string(entry.connections));
      page.members.push_back('}');
    }
  }
  return page;
}

}  // namespace wspush::hub
