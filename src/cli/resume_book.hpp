#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wspush::cli {

/// Where each subscription stands: what to hand back as `after` when coming back, so that nothing
/// is lost, and what was seen, so that nothing is printed twice.
///
/// A note is a sentence for the user about messages that are lost; empty where there is nothing to
/// tell. Positions of patterns are opaque and only kept. Pure. Cost: O(topics) a call.
class ResumeBook {
 public:
  struct Entry {
    std::string topic;     ///< or pattern
    std::string position;  ///< for `after`; empty: with the next message
    std::string told;      ///< the `last` of the `recovered:false` that was told last
    bool is_hole_told = false;
  };

  struct Judgement {
    bool is_new = true;
    std::string note;
  };

  /// `after` as the user gave it, or empty.
  ResumeBook(const std::vector<std::string>& topics, const std::string& after);

  const std::vector<Entry>& entries() const { return entries_; }

  /// The server answered a subscribe; `last` may be empty. Returns a note.
  std::string on_subscribed(std::string_view topic, std::string_view last,
                            std::optional<bool> recovered);

  /// The server said that messages are lost. Returns a note.
  std::string on_gap(std::string_view topic, std::string_view after, std::string_view next);

  /// A message of a topic. Not new: it came before. A hole that nobody told gets a note.
  Judgement on_message(std::string_view topic, std::string_view id);

  /// A message that came by a pattern subscription.
  void on_pattern_message(std::string_view pattern, std::string_view position);

 private:
  Entry* find(std::string_view topic);

  std::vector<Entry> entries_;
};

}  // namespace wspush::cli
