#include "hub/pattern_tree.hpp"

#include <algorithm>
#include <array>
#include <new>

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
  if (free_.empty()) {
    if (free_.capacity() <= nodes_.size()) {
      free_.reserve(2 * nodes_.size());  // So that none fails to go there.
    }
    nodes_.emplace_back();
    free_.push_back(static_cast<std::uint32_t>(nodes_.size() - 1));
  }
  const std::uint32_t child = free_.back();
  if (segment == kAny) {
    nodes_[node].any = child;
  } else {
    edges_.emplace(Edge{node, std::string(segment)}, child);
  }
  free_.pop_back();
  ++nodes_[node].children;
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

/// Where `filter` ends, on the way that is there; kNone where it does not go so far.
std::uint32_t PatternTree::walk(ByteView filter, Way& way) const {
  std::uint32_t node = 0;
  while (!filter.empty()) {
    const ByteView segment = take_segment(filter);
    if (segment == kRest) {
      return node;
    }
    const std::uint32_t child = child_of(node, segment);
    if (child == kNone) {
      return kNone;
    }
    way.steps[way.count++] = {node, segment};
    node = child;
  }
  return node;
}

/// From the end of the way on: nodes that nobody needs go.
void PatternTree::prune(const Way& way) {
  for (std::size_t left = way.count; left > 0; --left) {
    const Step& step = way.steps[left - 1];
    const std::uint32_t child = child_of(step.node, step.segment);
    const Node& last = nodes_[child];
    if (last.children > 0 || !last.ends.empty() || !last.rests.empty()) {
      return;
    }
    drop_child(step.node, step.segment, child);
  }
}

void PatternTree::add(ByteView filter, std::uint32_t id) {
  const ByteView whole = filter;
  try {
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
  } catch (const std::bad_alloc&) {
    Way way;
    walk(whole, way);
    prune(way);
    throw;
  }
  ++filters_;
}

void PatternTree::remove(ByteView filter, std::uint32_t id) {
  Way way;
  const std::uint32_t node = walk(filter, way);
  WSPUSH_CHECK(node != kNone);
  const bool has_rest = filter == kRest || filter.ends_with(".>");
  std::vector<std::uint32_t>& ids = has_rest ? nodes_[node].rests : nodes_[node].ends;
  const auto found = std::find(ids.begin(), ids.end(), id);
  WSPUSH_CHECK(found != ids.end());
  *found = ids.back();
  ids.pop_back();
  --filters_;
  prune(way);
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
