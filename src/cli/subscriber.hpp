#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "wspush/base/bytes.hpp"

#include "cli/options.hpp"
#include "cli/resume_book.hpp"
#include "cli/v1_event.hpp"

namespace wspush::cli {

/// What `wspush sub` says to the server and prints, over all its connections: the wspush.v1 door
/// seen from the client. Pure: text in, lines and notes out. Thread: the owner's.
class Subscriber {
 public:
  enum class Verdict : std::uint8_t {
    kGoOn,
    kDone,      ///< all the messages that were asked for have come
    kRefused,   ///< a note says why; coming back would not help
    kComeBack,  ///< the server cannot now; a note says why
  };

  /// What came of one text; appended to.
  struct Output {
    std::string lines;               ///< for standard output, each with its line end
    std::vector<std::string> notes;  ///< for the user, one sentence each
  };

  explicit Subscriber(const SubscribeOptions& options);

  /// The command with which each connection begins.
  std::string subscribe_command();

  /// A question whose answer shows that the server lives.
  static std::string ping_command();

  /// A text message of the server. Cost: O(text).
  Verdict on_text(ByteView text, Output& output);

  /// Every topic of this connection has its `subscribed`.
  bool is_subscribed() const { return answers_left_ == 0; }
  bool was_ever_subscribed() const { return was_ever_subscribed_; }

  /// How long the server is silent at most, as it said itself.
  std::chrono::milliseconds ping_interval() const { return ping_interval_; }

 private:
  void on_welcome(const V1Event& event);
  Verdict on_message(const V1Event& event, ByteView text, Output& output);
  Verdict on_error(const V1Event& event, Output& output) const;

  LineFormat format_;
  ResumeBook book_;
  std::optional<std::uint64_t> messages_left_;
  std::size_t answers_left_;
  bool was_ever_subscribed_ = false;
  std::chrono::milliseconds ping_interval_;
};

}  // namespace wspush::cli
