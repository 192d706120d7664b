#pragma once

#include <cstdint>

#include "wspush/base/bytes.hpp"

#include "door/context.hpp"

namespace wspush::door {

/// A publish on its way into the hub, on the stack of the session that publishes. Where the topic's
/// home is this reactor and the engine keeps nothing elsewhere, the answer comes before the call
/// returns: then it is made of the command as it lies in the input, and nothing is kept for it.
class AnswerInCall {
 public:
  /// `id` and `topic` are borrowed. Until its end `context` knows it.
  AnswerInCall(Context& context, const Session& session, std::uint32_t item, ByteView id,
               ByteView topic)
      : context_(context), session_(session), id_(id), topic_(topic), item_(item) {
    context_.answer_in_call = this;
  }
  ~AnswerInCall() { context_.answer_in_call = nullptr; }
  AnswerInCall(const AnswerInCall&) = delete;
  AnswerInCall& operator=(const AnswerInCall&) = delete;

  /// True: it is the one that an answer to `item` of `session` is for. Once.
  bool take(const Session& session, std::uint32_t item) {
    const bool is_mine = !has_come_ && &session == &session_ && item == item_;
    has_come_ = has_come_ || is_mine;
    return is_mine;
  }
  bool has_come() const { return has_come_; }

  ByteView id() const { return id_; }
  ByteView topic() const { return topic_; }

 private:
  Context& context_;
  const Session& session_;
  ByteView id_;
  ByteView topic_;
  std::uint32_t item_;
  bool has_come_ = false;
};

}  // namespace wspush::door
