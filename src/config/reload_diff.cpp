#include "config/reload_diff.hpp"

#include <algorithm>
#include <string_view>
#include <type_traits>
#include <variant>

#include "config/config_keys.hpp"

namespace wspush::config {
namespace {

struct IsEqual {
  template <typename T, typename U>
  bool operator()(const T& left, const U& right) const {
    if constexpr (!std::is_same_v<T, U>) {
      return false;
    } else if constexpr (std::is_same_v<T, std::monostate>) {
      return true;
    } else {
      return *left == *right;
    }
  }
};

struct Assign {
  template <typename T, typename U>
  void operator()(const T& to, const U& from) const {
    if constexpr (std::is_same_v<T, U> && !std::is_same_v<T, std::monostate>) {
      *to = *from;
    }
  }
};

struct Length {
  template <typename T>
  std::size_t operator()(std::vector<T>* list) const {
    return list->size();
  }
  template <typename T>
  std::size_t operator()(T) const {
    return 0;
  }
};

bool is_inside_list(std::string_view path) {
  return path.find('[') != path.npos;
}

/// True for `topics[].match` and `topics[].history.ttl` where `list` is `topics`; false for what
/// lies in a further list inside, which is looked at when that list itself is.
bool is_key_of(std::string_view path, std::string_view list) {
  return path.size() > list.size() + 2 && path.starts_with(list) && path[list.size()] == '[' &&
         !is_inside_list(path.substr(list.size() + 2));
}

/// A listener is its address; the certificates of one that stays are taken over wherever it stands
/// in the new list. Whether it speaks TLS at all does not change under it.
void merge_listeners(std::vector<Listener>& merged, const std::vector<Listener>& loaded) {
  for (Listener& listener : merged) {
    const auto found = std::ranges::find(loaded, listener.address, &Listener::address);
    if (found != loaded.end() && found->tls.enabled && listener.tls.enabled) {
      listener.tls = found->tls;
    }
  }
}

Config merge(Config running, Config loaded) {
  const Tls running_tls = running.internal.tls;
  Slot from{loaded};
  Slot to{running};
  for (const KeyRow& row : config_keys()) {
    if (row.is_reloadable && !is_inside_list(row.path)) {
      std::visit(Assign{}, row.field(to), row.field(from));
    }
  }
  merge_listeners(running.listen, loaded.listen);
  if (running_tls.enabled != loaded.internal.tls.enabled) {
    running.internal.tls = running_tls;
  }
  return running;
}

/// Names what differs between two configurations, and whether the merged one has it.
class Comparison {
 public:
  Comparison(const Config& running, const Config& loaded)
      : running_(running), loaded_(loaded), merged_(merge(running, loaded)) {}

  ReloadDiff take() {
    for (const KeyRow& row : config_keys()) {
      if (!is_inside_list(row.path)) {
        compare(row, std::string(row.path), 0);
      }
    }
    diff_.merged = std::move(merged_);
    return std::move(diff_);
  }

 private:
  void compare(const KeyRow& row, const std::string& path, std::size_t depth) {
    if (row.field == nullptr) {
      return;
    }
    const Field before = row.field(before_);
    const Field after = row.field(after_);
    if (std::visit(IsEqual{}, before, after)) {
      return;
    }
    const std::size_t length = std::visit(Length{}, before);
    if (row.type == KeyType::kSections && length == std::visit(Length{}, after)) {
      compare_items(row, path, length, depth);
      return;
    }
    const bool is_applied = std::visit(IsEqual{}, row.field(now_), after);
    (is_applied ? diff_.applied : diff_.needs_restart).push_back(path);
  }

  void compare_items(const KeyRow& list, const std::string& path, std::size_t length,
                     std::size_t depth) {
    for (std::size_t i = 0; i < length; ++i) {
      before_.index[depth] = after_.index[depth] = now_.index[depth] = i;
      const std::string item = path + '[' + std::to_string(i) + ']';
      for (const KeyRow& row : config_keys()) {
        if (is_key_of(row.path, list.path)) {
          compare(row, item + std::string(row.path.substr(list.path.size() + 2)), depth + 1);
        }
      }
    }
  }

  Config running_;  // copies, for the table reaches members for writing
  Config loaded_;
  Config merged_;
  Slot before_{running_};
  Slot after_{loaded_};
  Slot now_{merged_};
  ReloadDiff diff_;
};

}  // namespace

ReloadDiff compare_for_reload(const Config& running, const Config& loaded) {
  return Comparison(running, loaded).take();
}

}  // namespace wspush::config
