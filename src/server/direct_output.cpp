#include "server/direct_output.hpp"

#include <cstring>

namespace wspush::server {
namespace {

/// A frame's header has 2 or 4 bytes nearly always: no call for them.
void copy_head(char* place, ByteView head) {
  switch (head.size()) {
    case 2:
      std::memcpy(place, head.data(), 2);
      return;
    case 4:
      std::memcpy(place, head.data(), 4);
      return;
    default:
      std::memcpy(place, head.data(), head.size());
  }
}

}  // namespace

/// `count` bytes were written behind the copies. One piece for all that stand together: a single
/// one goes by a plain send().
void DirectOutput::extend(std::size_t count) {
  char* const place = copies_.get() + copied_;
  copied_ += count;
  bytes_ += count;
  iovec* const last = count_ > 0 ? &pieces_[count_ - 1] : nullptr;
  if (last != nullptr && static_cast<char*>(last->iov_base) + last->iov_len == place) {
    last->iov_len += count;
  } else if (count > 0) {
    pieces_[count_++] = {place, count};
  }
}

void DirectOutput::add(ByteView head, ByteView body) {
  char* const place = copies_.get() + copied_;
  if (!head.empty()) {
    copy_head(place, head);
  }
  if (is_borrowed(body)) {
    extend(head.size());
    pieces_[count_++] = {const_cast<char*>(body.data()), body.size()};
    bytes_ += body.size();
    return;
  }
  if (!body.empty()) {
    std::memcpy(place + head.size(), body.data(), body.size());
  }
  extend(head.size() + body.size());
}

}  // namespace wspush::server
