#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "wspush/base/bytes.hpp"
#include "wspush/hub/topic_name.hpp"

#include "base/siphash.hpp"

namespace wspush::hub {

/// Which of many filters (patterns, and topics as they are) fit a topic: a tree with a node for
/// each segment that filters have in common. Filters are well-formed; `{user}` in one is no
/// wildcard.
///
///     news.*.live   root --news--> o --*--> o --live--> o (ends)
///     news.>                       o (rests)
///
/// One hash table holds the edges of all nodes, {node, segment} -> node, under a key that nobody
/// outside knows. Thread: the owner's.
class PatternTree {
 public:
  explicit PatternTree(SipKey key) : edges_(0, EdgeHash{key}), nodes_(1) {}

  /// The pair must not be there yet. Cost: O(segments). May throw bad_alloc; nothing has changed
  /// then.
  void add(ByteView filter, std::uint32_t id);
  /// The pair must be there. Nodes that nobody needs any more go. Cost: O(segments + filters that
  /// are the same). Never fails.
  void remove(ByteView filter, std::uint32_t id);

  /// Adds the ids of all filters that fit to `ids`, in no order; an id once for each of its
  /// filters. Cost: O(segments + matches) where filters share their beginnings; never more than the
  /// nodes whose way from the root fits. No recursion.
  void match(ByteView topic, std::vector<std::uint32_t>& ids) const;

  bool is_empty() const { return filters_ == 0; }
  /// Filters in it.
  std::size_t size() const { return filters_; }
  std::size_t node_count() const { return nodes_.size() - free_.size(); }

 private:
  static constexpr std::uint32_t kNone = 0xffff'ffff;

  struct Node {
    std::uint32_t children = 0;
    std::uint32_t any = kNone;         ///< the child for `*`
    std::vector<std::uint32_t> ends;   ///< filters that end here
    std::vector<std::uint32_t> rests;  ///< filters that go on with `>`
  };
  struct Edge {
    std::uint32_t node;
    std::string segment;
  };
  struct EdgeView {
    std::uint32_t node;
    ByteView segment;
  };
  struct EdgeHash {
    using is_transparent = void;
    SipKey key;
    std::size_t operator()(const EdgeView& edge) const {
      return siphash13({key.k0 ^ edge.node, key.k1}, edge.segment);
    }
    std::size_t operator()(const Edge& edge) const {
      return (*this)(EdgeView{edge.node, edge.segment});
    }
  };
  struct EdgeEqual {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return a.node == b.node && a.segment == b.segment;
    }
  };

  struct Step {
    std::uint32_t node;
    ByteView segment;
  };
  /// From the root to a node. A filter has fewer segments than bytes.
  struct Way {
    std::array<Step, kTopicBytesMax> steps;
    std::size_t count = 0;
  };

  std::uint32_t walk(ByteView filter, Way& way) const;
  void prune(const Way& way);
  std::uint32_t child_of(std::uint32_t node, ByteView segment) const;
  std::uint32_t make_child(std::uint32_t node, ByteView segment);
  void drop_child(std::uint32_t node, ByteView segment, std::uint32_t child);

  std::unordered_map<Edge, std::uint32_t, EdgeHash, EdgeEqual> edges_;
  std::vector<Node> nodes_;  ///< the first is the root
  std::vector<std::uint32_t> free_;
  std::size_t filters_ = 0;
};

/// Whether a filter fits a topic: what the tree says, for one filter. Cost: O(bytes).
bool filter_fits(ByteView filter, ByteView topic);

}  // namespace wspush::hub
