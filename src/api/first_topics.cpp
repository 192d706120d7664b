#include "api/first_topics.hpp"

#include <iterator>

namespace wspush::api {

void FirstTopics::see(ByteView name, std::uint64_t subscribers) {
  const bool is_full = topics_.size() == limit_;
  if (!name.starts_with(prefix_) || (is_full && name > std::prev(topics_.end())->first)) {
    return;
  }
  topics_.insert_or_assign(std::string(name), subscribers);
  if (topics_.size() > limit_) {
    topics_.erase(std::prev(topics_.end()));
  }
}

std::vector<TopicSummary> FirstTopics::take() {
  std::vector<TopicSummary> all;
  all.reserve(topics_.size());
  for (const auto& [name, subscribers] : topics_) {
    all.push_back({name, subscribers});
  }
  topics_.clear();
  return all;
}

}  // namespace wspush::api
