#include "engine/kept_revocations.hpp"

#include <algorithm>

#include "engine/disk_record.hpp"

namespace wspush::engine {

Result<bool, std::string> KeptRevocations::load(LogStore& store, WallTime now) {
  bool is_damaged = false;
  const std::string begin = revocation_key({});
  const auto read = store.scan(begin, end_of_kind(begin), [&](ByteView key, ByteView value) {
    const auto revocation = decode_revocation(key, value);
    is_damaged = !revocation;
    if (revocation) {
      entries_.emplace(key, Entry{revocation->before, revocation->until});
    }
    return !is_damaged;
  });
  if (!read) {
    return Unexpected(read.error());
  }
  if (is_damaged) {
    // Going on would let somebody in who was shut out.
    return Unexpected(std::string("the record of a revocation is damaged"));
  }
  return remove_expired(store, now);
}

bool KeptRevocations::keep(LogStore& store, const Revocation& revocation, WallTime now) {
  std::string key = revocation_key(revocation);
  Entry entry{revocation.before, revocation.until};
  if (const auto found = entries_.find(key); found != entries_.end()) {
    entry.before = std::max(entry.before, found->second.before);
    entry.until = std::max(entry.until, found->second.until);
  } else if (entries_.size() >= kEntriesMax) {
    remove_expired(store, now);
    if (entries_.size() >= kEntriesMax) {
      return false;
    }
  }
  Revocation kept = revocation;
  kept.before = entry.before;
  kept.until = entry.until;
  store.put(key, encode(kept));
  entries_.insert_or_assign(std::move(key), entry);
  return true;
}

bool KeptRevocations::remove_expired(LogStore& store, WallTime now) {
  return std::erase_if(entries_, [&](const auto& each) {
           const bool is_over = each.second.until <= now;
           if (is_over) {
             store.remove(each.first);
           }
           return is_over;
         }) > 0;
}

std::vector<Revocation> KeptRevocations::all() const {
  std::vector<Revocation> all;
  all.reserve(entries_.size());
  for (const auto& [key, entry] : entries_) {
    Revocation revocation = revocation_in_key(key);
    revocation.before = entry.before;
    revocation.until = entry.until;
    all.push_back(std::move(revocation));
  }
  return all;
}

}  // namespace wspush::engine
