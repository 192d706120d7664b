#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wspush/base/bytes.hpp"
#include "wspush/base/clock.hpp"
#include "wspush/base/handle.hpp"
#include "wspush/hub/subscriber.hpp"

// What the API sees of the server as a whole; implemented by the reactor set. Thread: any
// reactor's; the answers come back to the asking reactor as hub::GatheredReply to `to`.
namespace wspush::api {

/// The public name of a connection: reactor and handle, with a tag of this process mixed in so that
/// a restarted server does not take an old id for its own. 24 lower-case hex digits.
struct ConnectionView {
  std::string id;
  std::string user;  ///< empty: anonymous
  std::string door;
  std::string address;
  WallTime since{};
  std::uint64_t topics = 0;
  std::uint64_t queued_bytes = 0;
};

struct TopicSummary {
  std::string topic;
  std::uint64_t subscribers = 0;
};

/// Tokens that are refused from now on, for `lasts`: of `user` those that were issued before
/// `before` or say nothing about it, or the one whose `jti` is `token_id`. One of the two is empty.
struct Revocation {
  std::string user;
  std::string token_id;
  WallTime before{};
  Duration lasts{};
};

class ServerView {
 public:
  virtual ~ServerView() = default;

  /// Answers std::vector<ConnectionView>: public connections, of `user` where given, at most
  /// `limit`; unordered.
  virtual void list_connections(std::optional<std::string> user, std::size_t limit,
                                const hub::ReplyTo& to) = 0;
  /// Answers std::vector<ConnectionView> with one entry, or none.
  virtual void find_connection(ByteView id, const hub::ReplyTo& to) = 0;
  /// Ends it with 4003. Answers std::size_t: how many were ended (0 or 1).
  virtual void end_connection(ByteView id, const hub::ReplyTo& to) = 0;
  /// Ends all of the user's. Answers std::size_t.
  virtual void end_connections_of(ByteView user, const hub::ReplyTo& to) = 0;
  /// Refuses what it covers and ends it with 4003, on every reactor before the answer. Answers
  /// bool: false where the table is full. Where it is not, the engine keeps it too: then a second
  /// answer, sooner or later than the first, is hub::RevocationKeptReply or a HubError.
  virtual void revoke(const Revocation& what, const hub::ReplyTo& to) = 0;
  /// Answers std::vector<TopicSummary>: topics that begin with `prefix`, sorted by name, at most
  /// `limit`.
  virtual void list_topics(ByteView prefix, std::size_t limit, const hub::ReplyTo& to) = 0;

  /// False while draining, or short of memory.
  virtual bool is_ready() const = 0;
  /// All metrics in the exposition that `accept` asks for; sets `content_type`.
  virtual std::string metrics_text(ByteView accept, std::string& content_type) const = 0;
};

}  // namespace wspush::api
