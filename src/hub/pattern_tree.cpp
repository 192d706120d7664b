#include "hub/pattern_tree.hpp"

#include <algorithm>
#include <array>

#include "wspush/hub/topic_name.hpp"

#include "base/check.hpp"

namespace wspush::hub {
namespace {

constexpr ByteView kAny = "*";
constexpr ByteView kRest = ">";

/// Cuts the first segment off `rest`.
ByteView take_segment(ByteView& rest) {
  const std::size_t end = std::min(rest.find('.'), rest.size());
  const ByteView segment = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return segment;
}

}  // namespace

std::uint32_t PatternTree::child_of(std::uint32_t node, ByteView segment) const {
  if (segment == kAny) {
    return nodes_[node].any;
  }
  const auto found = edges_.find(EdgeView{node, segment});
  return found == edges_.end() ? kNone : found->second;
}

std::uint32_t PatternTree::make_child(std::uint32_t node, ByteView segment) {
  std::uint32_t child = kNone;
  if (free_.empty()) {
    child = static_cast<std::uint32_t>(nodes_.size());
    nodes_.emplace_back();
  } else {
    child = free_.back();
    free_.pop_back();
  }
  ++nodes_[node].children;
  if (segment == kAny) {
    nodes_[node].any = child;
  } else {
    edges_.emplace(Edge{node, std::string(segment)}, child);
  }
  return child;
}

void PatternTree::drop_child(std::uint32_t node, ByteView segment, std::uint32_t child) {
  if (segment == kAny) {
    nodes_[node].any = kNone;
  } else {
    edges_.erase(edges_.find(EdgeView{node, segment}));
  }
  --nodes_[node].children;
  nodes_[child] = {};
  free_.push_back(child);
}

void PatternTree::add(ByteView filter, std::uint32_t id) {
  std::uint32_t node = 0;
  bool has_rest = false;
  while (!filter.empty() && !has_rest) {
    const ByteView segment = take_segment(filter);
    has_rest = segment == kRest;
    if (!has_rest) {
      const std::uint32_t child = child_of(node, segment);
      node = child == kNone ? make_child(node, segment) : child;
    }
  }
  (has_rest ? nodes_[node].rests : nodes_[node].ends).push_back(id);
  ++filters_;
}

void PatternTree::remove(ByteView filter, std::uint32_t id) {
  struct Step {
    std::uint32_t node;
    ByteView segment;
  };
  std::vector<Step> way;
  std::uint32_t node = 0;
  bool has_rest = false;
  while (!filter.empty() && !has_rest) {
    const ByteView segment = take_segment(filter);
    has_rest = segment == kRest;
    if (!has_rest) {
      way.push_back({node, segment});
      node = child_of(node, segment);
      WSPUSH_CHECK(node != kNone);
    }
  }
  std::vector<std::uint32_t>& ids = has_rest ? nodes_[node].rests : nodes_[node].ends;
  const auto found = std::find(ids.begin(), ids.end(), id);
  WSPUSH_CHECK(found != ids.end());
  *found = ids.back();
  ids.pop_back();
  --filters_;
  for (; !way.empty(); way.pop_back()) {
    const Node& last = nodes_[node];
    if (last.children > 0 || !last.ends.empty() || !last.rests.empty()) {
      return;
    }
    drop_child(way.back().node, way.back().segment, node);
    node = way.back().node;
  }
}

void PatternTree::match(ByteView topic, std::vector<std::uint32_t>& ids) const {
  struct Open {
    std::uint32_t node;
    std::uint32_t rest;  ///< where the next segment begins
  };
  // A way leaves at most one other behind in each of its segments, which have two bytes or more.
  std::array<Open, kTopicBytesMax / 2 + 3> open;
  std::size_t open_count = 0;
  const auto end = static_cast<std::uint32_t>(topic.size() + 1);
  open[open_count++] = {0, 0};
  while (open_count > 0) {
    const Open at = open[--open_count];
    const Node& node = nodes_[at.node];
    if (at.rest == end) {
      ids.insert(ids.end(), node.ends.begin(), node.ends.end());
      continue;
    }
    ids.insert(ids.end(), node.rests.begin(), node.rests.end());
    if (node.children == 0) {
      continue;
    }
    const std::size_t dot = std::min(topic.find('.', at.rest), topic.size());
    const auto next = static_cast<std::uint32_t>(dot + 1);
    if (node.any != kNone) {
      open[open_count++] = {node.any, next};
    }
    const auto child = edges_.find(EdgeView{at.node, topic.substr(at.rest, dot - at.rest)});
    if (child != edges_.end()) {
      open[open_count++] = {child->second, next};
    }
  }
}

bool filter_fits(ByteView filter, ByteView topic) {
  while (!filter.empty() && !topic.empty()) {
    const ByteView wanted = take_segment(filter);
    if (wanted == kRest) {
      return true;
    }
    const ByteView segment = take_segment(topic);
    if (wanted != kAny && wanted != segment) {
      return false;
    }
  }
  return filter.empty() && topic.empty();
}

}  // namespace wspush::hub
