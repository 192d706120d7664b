#include "cli/resume_book.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace wspush::cli {
namespace {

struct Id {
  std::string_view epoch;
  std::uint64_t offset = 0;
};

/// `<epoch>-<offset>`; none for "first" and opaque positions.
std::optional<Id> parse_id(std::string_view text) {
  constexpr std::size_t kEpochChars = 8;
  Id id{.epoch = text.substr(0, kEpochChars)};
  if (text.size() < kEpochChars + 2 || text[kEpochChars] != '-') {
    return std::nullopt;
  }
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + kEpochChars + 1, end, id.offset);
  return read.ec == std::errc{} && read.ptr == end ? std::optional(id) : std::nullopt;
}

std::string quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

}  // namespace

ResumeBook::ResumeBook(const std::vector<std::string>& topics, const std::string& after) {
  entries_.reserve(topics.size());
  for (const std::string& topic : topics) {
    entries_.push_back({.topic = topic, .position = after, .told = {}});
  }
}

ResumeBook::Entry* ResumeBook::find(std::string_view topic) {
  const auto found = std::ranges::find(entries_, topic, &Entry::topic);
  return found == entries_.end() ? nullptr : &*found;
}

std::string ResumeBook::on_subscribed(std::string_view topic, std::string_view last,
                                      std::optional<bool> recovered) {
  Entry* entry = find(topic);
  if (entry == nullptr) {
    return {};
  }
  const std::optional<Id> newest = parse_id(last);
  // An empty log has nothing to hand over: what comes next comes behind `last`. Otherwise the
  // position stays until the missed messages are here, or a second loss would skip them.
  const bool is_empty_log = newest && newest->offset == 0;
  entry->is_hole_told = false;
  if (recovered == false) {
    entry->is_hole_told = true;
    const std::string from = std::exchange(entry->told, std::string(last));
    const std::string position = entry->position;
    if (is_empty_log) {
      entry->position = last;
    }
    if (from == last && !from.empty()) {
      return {};  // Cut off again before anything new came.
    }
    return quoted(topic) + ": messages after " + position +
           " are lost: the server no longer has them; going on with what it has";
  }
  if (entry->position.empty() || (is_empty_log && !last.empty())) {
    entry->position = last;
  }
  return {};
}

std::string ResumeBook::on_gap(std::string_view topic, std::string_view after,
                               std::string_view next) {
  if (Entry* entry = find(topic)) {
    entry->is_hole_told = true;
  }
  return quoted(topic) + ": messages after " + std::string(after) +
         " are lost: this reader was too slow, or the log was cleared; going on with " +
         std::string(next);
}

ResumeBook::Judgement ResumeBook::on_message(std::string_view topic, std::string_view id) {
  Entry* entry = find(topic);
  if (entry == nullptr) {
    return {};
  }
  Judgement judgement;
  const std::optional<Id> seen = parse_id(entry->position);
  const std::optional<Id> now = parse_id(id);
  if (seen && now) {
    const bool is_same_log = seen->epoch == now->epoch;
    if (is_same_log && now->offset <= seen->offset) {
      judgement.is_new = false;
      return judgement;
    }
    if (!entry->is_hole_told && (!is_same_log || now->offset != seen->offset + 1)) {
      judgement.note = quoted(topic) + ": messages between " + entry->position + " and " +
                       std::string(id) + " are missing, and the server did not say why";
    }
  }
  entry->position = id;
  entry->is_hole_told = false;
  entry->told.clear();
  return judgement;
}

void ResumeBook::on_pattern_message(std::string_view pattern, std::string_view position) {
  if (Entry* entry = find(pattern)) {
    entry->position = position;
  }
}

}  // namespace wspush::cli
