#include "config/nearest_key.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "config/config_keys.hpp"

namespace wspush::config {
namespace {

constexpr std::size_t kComparedBytesMax = 64;

}  // namespace

std::size_t edit_distance(std::string_view left, std::string_view right) {
  left = left.substr(0, kComparedBytesMax);
  right = right.substr(0, kComparedBytesMax);
  // Three rows of the table of distances between prefixes: the one before last is for swaps.
  using Row = std::array<std::size_t, kComparedBytesMax + 1>;
  Row before_last{};
  Row last{};
  Row current{};
  for (std::size_t j = 0; j <= right.size(); ++j) {
    last[j] = j;
  }
  for (std::size_t i = 1; i <= left.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
      current[j] = std::min({replaced, last[j] + 1, current[j - 1] + 1});
      if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1]) {
        current[j] = std::min(current[j], before_last[j - 2] + 1);
      }
    }
    before_last = last;
    last = current;
  }
  return last[right.size()];
}

std::string nearest_key(std::string_view path, bool settable_only) {
  std::string_view best;
  std::size_t best_cost = std::numeric_limits<std::size_t>::max();
  for (const KeyRow& row : config_keys()) {
    if (settable_only && row.path.find('[') != row.path.npos) {
      continue;
    }
    // `heartbeat.pong` is the beginning of `heartbeat.pong_timeout`: what is missing costs little.
    const std::string_view leaf = leaf_of(path);
    const std::string_view known = leaf_of(row.path);
    const bool is_beginning = !leaf.empty() && known.substr(0, leaf.size()) == leaf;
    const std::size_t leaf_cost = is_beginning ? 2 : 2 * edit_distance(leaf, known);
    // The same section is nearer than the right name in another, as long as the names are alike.
    const std::size_t cost =
        std::min(parent_of(path) == parent_of(row.path) ? leaf_cost : leaf_cost + 3,
                 2 * edit_distance(path, row.path));
    if (cost < best_cost) {
      best_cost = cost;
      best = row.path;
    }
  }
  return std::string(best);
}

}  // namespace wspush::config
