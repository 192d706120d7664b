#pragma once

#include <array>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "wspush/base/result.hpp"

#include "api/server_view.hpp"
#include "net/listener.hpp"
#include "server/reactor.hpp"

namespace wspush::server {

/// Why the server could not start: the key that is to blame, and what happened.
struct StartError {
  std::string key;
  std::string message;
};

/// A listener as it was opened.
struct BoundListener {
  std::string address;
  bool is_public;
};

/// All reactors of the process and their threads; what the API sees of them together.
/// Thread: the main one, but for what ServerView and Peers say.
class ReactorSet final : public Peers, public api::ServerView {
 public:
  /// Opens the listeners; nothing runs yet.
  static Result<std::unique_ptr<ReactorSet>, StartError> open(
      std::shared_ptr<const config::Config> config, std::shared_ptr<const auth::JwtVerifier> tokens,
      ListenerTls tls);
  ~ReactorSet() override;

  const std::vector<BoundListener>& listeners() const { return bound_; }
  std::size_t size() const { return reactors_.size(); }
  void start();

  /// Gives every reactor the new configuration, in its next turn; TLS handshakes that have begun
  /// keep what they began with. So does who came with a token: `tokens` judges the next ones. The
  /// reload is counted when the last of them has it.
  void apply(std::shared_ptr<const config::Config> config,
             std::shared_ptr<const auth::JwtVerifier> tokens, ListenerTls tls);
  void count_refused_reload();
  void begin_drain();
  bool is_drained() const;
  /// The drain is over: what would still go on at the internal listener gets its answers.
  void end_internal_requests();
  /// No internal connection is left.
  bool has_answered_all() const;
  /// Ends the threads.
  void stop();

  /// True if every reactor began a turn within `interval`.
  bool has_turned_within(Duration interval) const;
  /// Looks at the memory of the process; past nine tenths of what it may use new clients are
  /// refused and the connection with the largest queue of each reactor is ended, once a call, until
  /// it is below eight tenths; meanwhile freed memory is given back, once in ten seconds.
  void guard_memory(TimePoint now);
  /// A line in the log for each limit that was hit, once in ten seconds, with the count.
  void tell_limit_hits(TimePoint now);

  // --- Peers
  net::Mailbox<Mail>& mailbox_of(std::uint16_t reactor) override;

  // --- ServerView
  void list_connections(std::optional<std::string> user, std::size_t limit,
                        const hub::ReplyTo& to) override;
  void find_connection(ByteView id, const hub::ReplyTo& to) override;
  void end_connection(ByteView id, const hub::ReplyTo& to) override;
  void end_connections_of(ByteView user, const hub::ReplyTo& to) override;
  void revoke(const api::Revocation& what, const hub::ReplyTo& to) override;
  void list_topics(ByteView prefix, std::size_t limit, const hub::ReplyTo& to) override;
  bool is_ready() const override;
  std::string metrics_text(ByteView accept, std::string& content_type) const override;

 private:
  explicit ReactorSet(std::shared_ptr<const config::Config> config);

  template <typename Part>
  void gather(const hub::ReplyTo& to, std::function<Part(Reactor&)> collect,
              std::function<std::any(std::vector<Part>)> combine);
  /// The same, where a reactor may need several turns until it is `done`, which is called once.
  template <typename Part>
  void gather_later(const hub::ReplyTo& to,
                    std::function<void(Reactor&, const std::function<void(Part)>& done)> collect,
                    std::function<std::any(std::vector<Part>)> combine);
  template <typename Answer>
  void ask_one(ByteView id, const hub::ReplyTo& to, Answer none,
               std::function<Answer(Reactor&, SocketConnection&)> ask);
  void post_to_all(const Task& task);

  std::shared_ptr<const config::Config> config_;
  Shared shared_;
  std::unique_ptr<engine::DiskWriter> disk_;   ///< null: messages stay in memory
  std::vector<net::SocketFile> socket_files_;  ///< outlives the listeners in the reactors
  std::vector<std::unique_ptr<Reactor>> reactors_;
  std::vector<std::thread> threads_;
  std::vector<BoundListener> bound_;
  struct LimitLog {
    log::LimitedLog log;
    std::uint64_t hits = 0;  ///< up to now
  };
  std::array<LimitLog, metrics::kLimitCount> limit_logs_;
  TimePoint next_release_{};  ///< of freed memory, while it is short
  WallTime started_;
};

}  // namespace wspush::server
