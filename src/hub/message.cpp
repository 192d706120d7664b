#include "wspush/hub/message.hpp"

#include <cstring>
#include <new>

#include "wspush/hub/feed.hpp"

namespace wspush::hub {

MessageRef Message::create(PayloadKind kind, ByteView payload, ByteView key) {
  void* block = ::operator new(sizeof(Message) + payload.size() + key.size());
  auto* message = new (block) Message(kind, payload.size(), key.size(), false);
  char* bytes = reinterpret_cast<char*>(message + 1);
  if (!payload.empty()) {
    std::memcpy(bytes, payload.data(), payload.size());
  }
  if (!key.empty()) {
    std::memcpy(bytes + payload.size(), key.data(), key.size());
  }
  return MessageRef(message);
}

MessageRef Message::create(FeedEntry entry) {
  static_assert(alignof(FeedEntry) <= alignof(Message));
  void* block = ::operator new(sizeof(Message) + sizeof(FeedEntry));
  const Message* const original = entry.original.get();
  auto* message = original == nullptr ? new (block) Message(PayloadKind::kJson, 0, 0, true)
                                      : new (block)
                                            Message(original->kind(), original->payload_bytes_,
                                                    original->key_bytes_, true);
  if (original != nullptr) {
    message->stamp(original->id(), original->published_at());
  }
  message->stamp_count(entry.count);
  new (message + 1) FeedEntry(std::move(entry));
  return MessageRef(message);
}

const char* Message::original_bytes() const {
  const Message* const original = feed_entry()->original.get();
  return original == nullptr ? nullptr : original->bytes();
}

std::size_t Message::feed_entry_bytes() {
  return sizeof(FeedEntry);
}

Message::~Message() {
  if (is_feed_entry_ != 0) {
    reinterpret_cast<FeedEntry*>(this + 1)->~FeedEntry();
  }
  const WireBytes* form = forms_.load(std::memory_order_acquire);
  while (form != nullptr) {
    delete std::exchange(form, form->next);
  }
}

void Message::destroy(Message* message) {
  message->~Message();
  ::operator delete(message);
}

const WireBytes& Message::keep_form(WireForm form, std::unique_ptr<WireBytes> bytes) const {
  bytes->form = form;
  bytes->next = forms_.load(std::memory_order_acquire);
  do {
    if (const WireBytes* kept = find_from(bytes->next, form)) {
      return *kept;
    }
  } while (!forms_.compare_exchange_weak(bytes->next, bytes.get(), std::memory_order_acq_rel,
                                         std::memory_order_acquire));
  return *bytes.release();
}

}  // namespace wspush::hub
