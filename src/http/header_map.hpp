#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "http/grammar.hpp"

namespace wspush::http {

/// One header line. `name` is as it was sent, `value` without the blanks around it.
struct HeaderField {
  std::string_view name;
  std::string_view value;
};

/// The header lines of one message, in the order sent, as places in the bytes of its head: 16 bytes
/// a line and no copy of text. Names compare without case. Lookups are linear: a head has a few
/// dozen lines at most (`HeadLimits::headers`).
///
/// Lifetime: every view handed out points into the head's bytes and dies with them. A map may
/// outlive them if `set_base` names where they were copied to.
/// Thread: the owner's.
class HeaderMap {
 public:
  /// Where a line stands, in bytes from the start of the head.
  struct Place {
    std::uint32_t name_begin = 0;
    std::uint32_t name_bytes = 0;
    std::uint32_t value_begin = 0;
    std::uint32_t value_bytes = 0;
  };

  std::size_t size() const { return places_.size(); }
  bool empty() const { return places_.empty(); }
  HeaderField operator[](std::size_t index) const;

  /// The value of the first line of this name.
  std::optional<std::string_view> find(std::string_view name) const;

  /// How many lines have this name.
  std::size_t count(std::string_view name) const;

  bool contains(std::string_view name) const { return find(name).has_value(); }

  /// Calls `visit(value)` for each line of this name, in order.
  template <typename Visit>
  void for_each(std::string_view name, Visit&& visit) const {
    for (std::size_t index = 0; index < size(); ++index) {
      if (is_named(index, name)) {
        visit((*this)[index].value);
      }
    }
  }

  /// Calls `visit(element)` for each element, not empty, of the list that all lines of this name
  /// make together: two lines mean the same as one with a comma. Cost: the length of the values.
  /// Source: RFC 9110 §5.3, §5.6.1.
  template <typename Visit>
  void for_each_element(std::string_view name, Visit&& visit) const {
    for_each(name, [&](std::string_view value) { for_each_list_element(value, visit); });
  }

  /// Whether `token` is an element of that list, without case: `has_token("Connection",
  /// "upgrade")`.
  bool has_token(std::string_view name, std::string_view token) const;

  void add(const Place& place) {
    if (places_.capacity() == 0) {
      places_.reserve(kUsualLines);
    }
    places_.push_back(place);
  }
  /// The places count from here. The bytes at `head` must be those that were parsed.
  void set_base(const char* head) { base_ = head; }
  /// Keeps its capacity.
  void clear() { places_.clear(); }

 private:
  /// By its length first: a handshake asks for twenty names, most of them of no line.
  bool is_named(std::size_t index, std::string_view name) const {
    const Place& place = places_[index];
    return place.name_bytes == name.size() &&
           equals_ignoring_case({base_ + place.name_begin, place.name_bytes}, name);
  }

  /// As many as a browser sends: the list does not grow by steps.
  static constexpr std::size_t kUsualLines = 16;

  const char* base_ = nullptr;
  std::vector<Place> places_;
};

}  // namespace wspush::http
