#include "server/direct_output.hpp"

#include <cstring>

namespace wspush::server {

void DirectOutput::add_copy(ByteView bytes) {
  if (bytes.empty()) {
    return;
  }
  char* const place = copies_.get() + copied_;
  std::memcpy(place, bytes.data(), bytes.size());
  copied_ += bytes.size();
  // One piece for all copies that stand together: a single one goes by a plain send().
  iovec* const last = count_ > 0 ? &pieces_[count_ - 1] : nullptr;
  if (last != nullptr && static_cast<char*>(last->iov_base) + last->iov_len == place) {
    last->iov_len += bytes.size();
  } else {
    pieces_[count_++] = {place, bytes.size()};
  }
  bytes_ += bytes.size();
}

void DirectOutput::add(ByteView head, ByteView body) {
  add_copy(head);
  if (is_borrowed(body)) {
    pieces_[count_++] = {const_cast<char*>(body.data()), body.size()};
    bytes_ += body.size();
  } else {
    add_copy(body);
  }
}

}  // namespace wspush::server
