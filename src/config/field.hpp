#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <variant>
#include <vector>

#include "wspush/config/config.hpp"

// How a row of the key table reaches its member of Config, without macros and without void*.
namespace wspush::config {

using Texts = std::vector<std::string>;
using TextPairs = std::vector<std::pair<std::string, std::string>>;

/// A pointer to the member that a key sets. An ApiKey stands for its two rights (`can`), a vector
/// of sections for a list such as `topics`, monostate for a section without a member of its own.
using Field =
    std::variant<std::monostate, bool*, int*, unsigned*, std::uint64_t*, milliseconds*,
                 std::string*, Texts*, TextPairs*, Permission*, Presence*, WhenSlow*, EngineType*,
                 LogLevel*, LogFormat*, ApiKey*, std::vector<Listener>*, std::vector<ApiKey>*,
                 std::vector<CertificatePair>*, std::vector<TopicRule>*, std::vector<Bridge>*,
                 std::vector<PusherApp>*, std::vector<Webhook>*>;

/// A Config and, for keys inside lists, which item of each level is meant
/// (`listen[0].tls.also[2]`).
struct Slot {
  Config& config;
  std::array<std::size_t, 2> index{};
};

using FieldOf = Field (*)(Slot&);

template <typename T>
inline constexpr bool kIsSectionList = false;
template <typename T>
inline constexpr bool kIsSectionList<std::vector<T>> =
    std::is_class_v<T> && !std::is_same_v<T, std::string> &&
    !std::is_same_v<T, TextPairs::value_type>;

template <auto Member, auto... Rest, typename Owner>
Field reach(Owner& owner, const std::size_t* index) {
  auto& member = owner.*Member;
  if constexpr (sizeof...(Rest) == 0) {
    return Field(&member);
  } else if constexpr (kIsSectionList<std::remove_reference_t<decltype(member)>>) {
    return reach<Rest...>(member[*index], index + 1);
  } else {
    return reach<Rest...>(member, index);
  }
}

/// The member at the end of a path of member pointers from Config; a list on the way is entered at
/// the slot's index. The items must exist.
template <auto... Path>
Field field(Slot& slot) {
  return reach<Path...>(slot.config, slot.index.data());
}

}  // namespace wspush::config
