#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <sys/uio.h>
#include <utility>

#include "wspush/base/bytes.hpp"
#include "wspush/base/clock.hpp"
#include "wspush/hub/message_id.hpp"

namespace wspush::hub {

enum class PayloadKind : std::uint8_t { kJson, kText, kBinary };

/// The encodings a message may leave in. Each is made at most once per message, when it is first
/// needed, and shared by every subscriber that gets it. Of those that are WebSocket frames there is
/// a deflated twin for each class of windows (docs/decisions/0006-window-classes.md).
enum class WireForm : std::uint8_t {
  kWspushV1,
  kRaw,
  kWspushV1Deflated9,
  kRawDeflated9,
  kWspushV1Deflated12,
  kRawDeflated12,
  kWspushV1Deflated15,
  kRawDeflated15,
  kSse,         ///< an event of a text/event-stream that ends with its connection
  kSseChunked,  ///< the same as one chunk of HTTP/1.1
  kPoll,        ///< an object of a long poll's answer
};
inline constexpr std::size_t kWireFormCount = 11;

/// One encoding of one message: `prefix`, then the message's own payload unless the prefix already
/// holds it in another spelling, then `suffix`. So a large payload is never copied to be framed.
struct WireBytes {
  std::string prefix;
  std::string suffix;
  bool has_payload = true;

  // Set by the message that keeps it.
  WireForm form{};
  const WireBytes* next = nullptr;  ///< another form of the same message
};

class Message;
struct FeedEntry;

/// Counted reference to an immutable message. Thread: any, each reference by one thread at a time.
class MessageRef {
 public:
  MessageRef() = default;
  inline MessageRef(const MessageRef& other);
  MessageRef(MessageRef&& other) noexcept : message_(std::exchange(other.message_, nullptr)) {}
  MessageRef& operator=(MessageRef other) noexcept {
    std::swap(message_, other.message_);
    return *this;
  }
  inline ~MessageRef();

  Message* operator->() const { return message_; }
  Message& operator*() const { return *message_; }
  Message* get() const { return message_; }
  explicit operator bool() const { return message_ != nullptr; }

 private:
  friend class Message;
  explicit MessageRef(Message* adopted) : message_(adopted) {}
  Message* message_ = nullptr;
};

/// What was published: one allocation with its payload and key behind it. The engine stamps it
/// with its id before anybody else sees it; from then on it never changes. Or what a feed makes of
/// such a message (wspush/hub/feed.hpp): then a FeedEntry lies behind it.
class Message {
 public:
  /// Copies `payload` and `key`. A JSON payload has been checked by the caller and is kept byte for
  /// byte. `key` may be empty (none) and is at most 255 bytes.
  static MessageRef create(PayloadKind kind, ByteView payload, ByteView key = {});

  /// A message that stands in a feed for `entry.original`, which it keeps.
  static MessageRef create(FeedEntry entry);
  /// Null unless the message stands in a feed. Lifetime: the message's.
  const FeedEntry* feed_entry() const {
    return is_feed_entry_ != 0 ? reinterpret_cast<const FeedEntry*>(this + 1) : nullptr;
  }

  PayloadKind kind() const { return static_cast<PayloadKind>(kind_); }
  ByteView payload() const { return {bytes(), payload_bytes_}; }
  ByteView key() const { return {bytes() + payload_bytes_, key_bytes_}; }
  MessageId id() const { return id_; }
  TimePoint published_at() const { return published_at_; }

  /// By the engine, once, while it holds the only reference.
  void stamp(MessageId id, TimePoint now) {
    id_ = id;
    published_at_ = now;
  }

  /// How many messages its home had published with this one: the same order for all its topics.
  std::uint64_t count() const { return count_; }
  /// By the home, once, before anybody else sees it. Below 2^48: a million a second for nine years.
  void stamp_count(std::uint64_t count) { count_ = count & ((std::uint64_t{1} << 48) - 1); }

  /// What the message weighs in a log: the allocation without its wire forms. Bytes.
  std::size_t log_bytes() const {
    return sizeof(Message) + payload_bytes_ + key_bytes_ +
           (is_feed_entry_ != 0 ? feed_entry_bytes() : 0);
  }

  /// The kept form, or null if it has not been made yet. Thread: any. Cost: O(forms that were
  /// made), which is one or two unless clients came with every window.
  const WireBytes* find_form(WireForm form) const {
    return find_from(forms_.load(std::memory_order_acquire), form);
  }
  /// Keeps `bytes` as the form, unless another reactor was first; returns the kept one.
  const WireBytes& keep_form(WireForm form, std::unique_ptr<WireBytes> bytes) const;

 private:
  friend class MessageRef;
  Message(PayloadKind kind, std::size_t payload_bytes, std::size_t key_bytes, bool is_feed_entry)
      : payload_bytes_(static_cast<std::uint32_t>(payload_bytes)),
        count_(0),
        key_bytes_(key_bytes & 0xff),
        kind_(static_cast<std::uint64_t>(kind) & 0xf),
        is_feed_entry_(is_feed_entry ? 1 : 0) {}
  ~Message();
  static void destroy(Message* message);
  static const WireBytes* find_from(const WireBytes* first, WireForm form) {
    while (first != nullptr && first->form != form) {
      first = first->next;
    }
    return first;
  }
  const char* bytes() const {
    return is_feed_entry_ != 0 ? original_bytes() : reinterpret_cast<const char*>(this + 1);
  }
  const char* original_bytes() const;
  static std::size_t feed_entry_bytes();

  mutable std::atomic<std::uint32_t> references_{1};
  std::uint32_t payload_bytes_;
  MessageId id_;
  TimePoint published_at_{};
  /// A list that only grows, at its front: most messages leave in one form, so that room for all of
  /// them would be wasted.
  mutable std::atomic<const WireBytes*> forms_{nullptr};
  // One word: a message is 48 bytes.
  std::uint64_t count_ : 48;
  std::uint64_t key_bytes_ : 8;
  std::uint64_t kind_ : 4;
  std::uint64_t is_feed_entry_ : 1;
};
static_assert(sizeof(Message) == 48);

inline MessageRef::MessageRef(const MessageRef& other) : message_(other.message_) {
  if (message_ != nullptr) {
    message_->references_.fetch_add(1, std::memory_order_relaxed);
  }
}

/// Who has the only reference need not tell other threads of its end: none can get one any more.
inline MessageRef::~MessageRef() {
  if (message_ != nullptr && (message_->references_.load(std::memory_order_acquire) == 1 ||
                              message_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1)) {
    Message::destroy(message_);
  }
}

/// A view of one message in one wire form. Lifetime: that of the message.
class Frame {
 public:
  Frame(const Message& message, const WireBytes& form) : message_(&message), form_(&form) {}

  std::size_t bytes() const {
    return form_->prefix.size() + form_->suffix.size() +
           (form_->has_payload ? message_->payload().size() : 0);
  }
  /// Calls `sink(ByteView)` for each non-empty part, in order: at most three.
  template <typename Sink>
  void for_each_part(Sink&& sink) const {
    sink(ByteView(form_->prefix));
    if (form_->has_payload && !message_->payload().empty()) {
      sink(message_->payload());
    }
    if (!form_->suffix.empty()) {
      sink(ByteView(form_->suffix));
    }
  }
  const Message& message() const { return *message_; }

 private:
  const Message* message_;
  const WireBytes* form_;
};

inline constexpr std::size_t kPartsPerFrameMax = 3;

}  // namespace wspush::hub
