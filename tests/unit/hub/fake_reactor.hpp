#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "wspush/base/random.hpp"

#include "hub/hub.hpp"
#include "unit/hub/recording_engine.hpp"
#include "unit/hub/stream_checker.hpp"

namespace wspush::hub::test {

/// The lines of StreamChecker as wire forms: text is spelled in the prefix, all else is sent from
/// where it lies.
std::array<Encode, kWireFormCount> line_forms();

/// A feed's name as one word of a line.
std::string word_of(ByteView feed);

/// Mail between hubs: in order for each pair, delivered when the test says so.
class FakePost {
 public:
  explicit FakePost(std::size_t reactors) : queues_(reactors * reactors), reactors_(reactors) {}
  std::deque<HubMail>& queue(std::size_t from, std::size_t to) {
    return queues_[from * reactors_ + to];
  }
  std::size_t reactors() const { return reactors_; }
  bool is_empty() const;

 private:
  std::vector<std::deque<HubMail>> queues_;
  std::size_t reactors_;
};

/// How a client's socket behaves.
enum class Reader : std::uint8_t {
  kPerfect,  ///< takes everything at once
  kFlaky,    ///< takes a random part, then nothing until `unblock`
};

/// One client: what it was sent, and what its connection still has to send.
struct Client {
  Client(const Record& record, Reader how_it_reads, std::int32_t socket, std::uint64_t number)
      : id(number),
        fd(socket),
        reader(how_it_reads),
        checker(record, how_it_reads == Reader::kPerfect) {}

  struct Cut {
    MessageRef message;
    WireForm form;
    std::size_t taken;
  };
  std::uint64_t id;
  std::int32_t fd;  ///< or kStreamed
  Reader reader;
  StreamChecker checker;
  std::string stream;  ///< everything that its socket took
  std::string out;
  std::optional<Cut> cut;
  PresentUser user;
  std::string unsent;       ///< taken by its stream, not by the socket
  bool is_full = false;     ///< its socket takes nothing
  bool is_blocked = false;  ///< its connection knows
  bool is_closing = false;
  bool is_dead = false;
  bool is_preparing = false;
  std::vector<std::pair<std::string, SubscribeOptions>> wanted;
  std::optional<HubError> refused;  ///< by the last subscribe that was
};

/// One reactor around a hub, as the server has it: busy marks, a list of connections to be flushed,
/// frames that were cut. Its sockets are strings.
class FakeReactor final : public Post, public MemberSender, public SubscriberEvents {
 public:
  struct Shared {
    HubShared& hub;
    FakePost& post;
    Record& record;
    Random& random;
    const RuleSource* rules;
    /// Oldest offset of a topic that its bounds, and nothing else, require to be kept.
    std::function<std::uint64_t(const std::string& topic, MessageId last)> kept_from;
    std::function<void(std::uint32_t item, const Reply& reply)> on_answer;
  };
  FakeReactor(const Shared& shared, std::uint16_t index, std::uint16_t reactors,
              std::size_t client_slots);

  Hub& hub() { return hub_; }
  Client* client(std::uint32_t slot) { return clients_[slot].get(); }
  std::uint32_t slots() const { return static_cast<std::uint32_t>(clients_.size()); }
  void connect(std::uint32_t slot, Reader reader, bool is_streamed = false);
  void disconnect(std::uint32_t slot);
  void unblock(std::uint32_t slot);
  /// While calm, sockets take everything.
  void set_calm(bool is_calm) { is_calm_ = is_calm; }

  void subscribe(std::uint32_t slot, std::vector<std::pair<std::string, SubscribeOptions>> wanted,
                 bool fence);
  void unsubscribe(std::uint32_t slot, const std::string& topic);
  ReplyTo reply_to(std::uint32_t item) const { return {kObserver, 0, item, index_}; }

  /// Takes up to `mail_max` letters of each other reactor, flushes, sends. True: there is more.
  bool turn(TimePoint now, std::size_t mail_max, std::size_t sends_max);
  bool is_idle() const;
  /// Reads all streams.
  void check();
  /// Lines that end with ` payload` and that sockets took, those of clients that are gone included.
  std::uint64_t deliveries_of(const std::string& payload) const;
  /// Somebody wanted to know whether all of a stream was out, of a client that had died, or where
  /// some of it waits now: then it may have taken more messages than were counted.
  bool has_unsure_streams() const { return has_lost_streams_ || has_waiting_streams_; }

  // Post
  void send(std::uint16_t reactor, HubMail mail) override;
  // MemberSender
  void send(std::span<const Member> members, std::span<const iovec> parts, std::size_t bytes,
            std::vector<ShortSend>& fell_short) override;
  Output output_of(std::uint32_t slot) const override;
  // SubscriberEvents
  void on_reply(const ReplyTo& to, Reply&& reply) override;
  bool on_gap(std::uint32_t slot, WireForm form, const Gap& gap) override;
  void on_too_slow(std::uint32_t slot) override;
  void on_behind(std::uint32_t slot) override { want_flush(slot); }
  void on_leaving(std::uint32_t slot) override { flush(slot); }
  void on_cut(std::uint32_t slot, const MessageRef& message, WireForm form,
              std::size_t taken) override;
  void on_send_error(std::uint32_t slot, int error) override;
  void on_withdrawn(std::uint32_t slot, WireForm form, ByteView topic) override;
  PresentUser user_of(std::uint32_t slot) override { return clients_[slot]->user; }

 private:
  static constexpr std::uint64_t kObserver = UINT64_MAX;
  enum Busy : std::uint8_t { kFree, kBusy, kBusyFlushing };

  void write(std::uint32_t slot, const std::string& line);
  void want_flush(std::uint32_t slot);
  void flush_clients();
  bool flush(std::uint32_t slot);
  void do_subscribe(std::uint32_t slot);
  void write_subscribed_to_feed(std::uint32_t slot, const std::string& name,
                                const SubscribeOptions& options, const Subscribed& answer);
  /// What the socket takes of `bytes`; negative: it is broken.
  std::ptrdiff_t take(Client& client, std::size_t bytes);
  /// The same through the client's stream, which keeps some more than the socket takes.
  std::ptrdiff_t take(Client& client, ByteView bytes);

  Shared shared_;
  RecordingEngine engine_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::uint8_t> busy_;
  std::vector<std::uint32_t> flush_;
  std::vector<std::uint32_t> leaving_;
  std::string streams_of_the_gone_;
  mutable bool has_lost_streams_ = false;
  mutable bool has_waiting_streams_ = false;
  std::uint64_t clients_made_ = 0;
  std::uint16_t index_;
  bool is_calm_ = false;
  Hub hub_;
};

}  // namespace wspush::hub::test
