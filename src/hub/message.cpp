#include "wspush/hub/message.hpp"

#include <cstring>
#include <new>

namespace wspush::hub {

MessageRef::MessageRef(const MessageRef& other) : message_(other.message_) {
  if (message_ != nullptr) {
    message_->references_.fetch_add(1, std::memory_order_relaxed);
  }
}

MessageRef::~MessageRef() {
  if (message_ != nullptr && message_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    Message::destroy(message_);
  }
}

MessageRef Message::create(PayloadKind kind, ByteView payload, ByteView key) {
  void* block = ::operator new(sizeof(Message) + payload.size() + key.size());
  auto* message = new (block) Message(kind, static_cast<std::uint32_t>(payload.size()),
                                      static_cast<std::uint8_t>(key.size()));
  char* bytes = reinterpret_cast<char*>(message + 1);
  if (!payload.empty()) {
    std::memcpy(bytes, payload.data(), payload.size());
  }
  if (!key.empty()) {
    std::memcpy(bytes + payload.size(), key.data(), key.size());
  }
  return MessageRef(message);
}

Message::~Message() {
  for (const auto& form : forms_) {
    delete form.load(std::memory_order_acquire);
  }
}

void Message::destroy(Message* message) {
  message->~Message();
  ::operator delete(message);
}

std::size_t Message::log_bytes() const {
  return sizeof(Message) + payload_bytes_ + key_bytes_;
}

const WireBytes& Message::keep_form(WireForm form, std::unique_ptr<WireBytes> bytes) const {
  auto& slot = forms_[static_cast<std::size_t>(form)];
  const WireBytes* kept = nullptr;
  if (slot.compare_exchange_strong(kept, bytes.get(), std::memory_order_acq_rel)) {
    kept = bytes.release();
  }
  return *kept;
}

}  // namespace wspush::hub
