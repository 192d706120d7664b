#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "wspush/base/bytes.hpp"

#include "api/server_view.hpp"

namespace wspush::api {

/// The first topics of a reactor by name, of those that begin with a prefix. It is shown them some
/// in each turn; one that was freed and opened again meanwhile may come twice, and is listed once,
/// as it was last. Thread: one at a time.
class FirstTopics {
 public:
  /// `limit` is at least 1.
  FirstTopics(std::string prefix, std::size_t limit) : prefix_(std::move(prefix)), limit_(limit) {}

  /// `name` is borrowed for the call. Cost: O(log limit).
  void see(ByteView name, std::uint64_t subscribers);
  /// By name.
  std::vector<TopicSummary> take();

 private:
  std::string prefix_;
  std::size_t limit_;
  std::map<std::string, std::uint64_t, std::less<>> topics_;  ///< `limit_` at most
};

}  // namespace wspush::api
