#include "door/deflating_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "base/check.hpp"
#include "websocket/frame_encoder.hpp"

namespace wspush::door {

using net::IoResult;
using net::IoStatus;

/// Walks over pieces, byte by byte or frame by frame.
class DeflatingStream::Reader {
 public:
  explicit Reader(std::span<const iovec> pieces) : pieces_(pieces) {
    for (const iovec& piece : pieces) {
      rest_ += piece.iov_len;
    }
  }

  /// Bytes that are still there.
  std::size_t rest() const { return rest_; }

  /// Copies the next bytes, as many as there are and as `into` has room for, and stays.
  ByteView peek(MutableBytes into) const {
    std::size_t copied = 0;
    std::size_t skip = begin_;
    for (std::size_t i = 0; i < pieces_.size() && copied < into.size(); ++i) {
      const std::size_t bytes = std::min(pieces_[i].iov_len - skip, into.size() - copied);
      std::copy_n(static_cast<const char*>(pieces_[i].iov_base) + skip, bytes,
                  into.data() + copied);
      copied += bytes;
      skip = 0;
    }
    return {into.data(), copied};
  }

  /// Gives the next `bytes` (at most `rest()`) to `sink(ByteView)`, and goes behind them.
  template <typename Sink>
  void take(std::size_t bytes, Sink&& sink) {
    rest_ -= bytes;
    while (bytes > 0) {
      const iovec& piece = pieces_.front();
      const std::size_t used = std::min(piece.iov_len - begin_, bytes);
      sink(ByteView(static_cast<const char*>(piece.iov_base) + begin_, used));
      bytes -= used;
      begin_ += used;
      if (begin_ == piece.iov_len) {
        pieces_ = pieces_.subspan(1);
        begin_ = 0;
      }
    }
  }

 private:
  std::span<const iovec> pieces_;
  std::size_t begin_ = 0;  ///< in the first piece
  std::size_t rest_ = 0;
};

DeflatingStream::DeflatingStream(Deflation& deflation, int window_bits)
    : deflation_(deflation), window_bits_(window_bits) {
}

DeflatingStream::~DeflatingStream() = default;

void DeflatingStream::sit_on(std::unique_ptr<net::ByteStream> below) noexcept {
  below_ = std::move(below);
}

IoResult DeflatingStream::fail(int error) {
  error_ = error;
  unsent_.reset();
  return {IoStatus::kError, 0, error_};
}

IoResult DeflatingStream::read(MutableBytes into) {
  const IoResult result = below_->read(into);
  return result.status == IoStatus::kError ? fail(result.error) : result;
}

bool DeflatingStream::has_unsent() const {
  return error_ == 0 && (unsent_ != nullptr || below_->has_unsent());
}

IoResult DeflatingStream::write(std::span<const iovec> pieces) {
  if (error_ != 0) {
    return {IoStatus::kError, 0, error_};
  }
  if (has_unsent()) {
    const IoResult flushed = flush();
    if (flushed.status == IoStatus::kError) {
      return flushed;
    }
    if (has_unsent()) {
      return {IoStatus::kWouldBlock, 0, flushed.error};
    }
  }
  websocket::ScratchBuffer& frames = deflation_.workspace().frames;
  Reader reader(pieces);
  const std::size_t offered = reader.rest();
  try {
    bool is_whole = true;
    while (is_whole && reader.rest() > 0 && !has_unsent()) {
      frames.clear();
      while (is_whole && reader.rest() > 0 && frames.size() < kAheadBytesMax) {
        is_whole = take_frame(reader);
      }
      if (const IoResult result = hand_down(); result.status == IoStatus::kError) {
        return result;
      }
    }
  } catch (const std::bad_alloc&) {
    return fail(ECONNABORTED);  // A frame is lost, or its place in the window.
  }
  const std::size_t taken = offered - reader.rest();
  WSPUSH_CHECK(taken > 0 || offered == 0);  // Who writes has a whole frame to begin with.
  return {IoStatus::kOk, taken, 0};
}

/// Adds the next frame to those that are about to leave. False: it is not all there.
bool DeflatingStream::take_frame(Reader& reader) {
  Deflation::Workspace& workspace = deflation_.workspace();
  const auto pass = [&workspace](ByteView bytes) { workspace.frames.append(bytes); };
  if (passing_bytes_ > 0) {
    const std::size_t bytes = std::min({passing_bytes_, reader.rest(), kAheadBytesMax});
    reader.take(bytes, pass);
    if (passing_bytes_ != SIZE_MAX) {
      passing_bytes_ -= bytes;
    }
    return true;
  }
  std::array<char, websocket::kFrameHeaderBytesMax> bytes;
  websocket::FrameHeader header;
  const auto error =
      websocket::parse_frame_header(reader.peek(bytes), {.role = websocket::Role::kClient}, header);
  WSPUSH_CHECK(error == websocket::FrameError::kNone);
  if (header.header_bytes == 0 || reader.rest() - header.header_bytes < header.payload_bytes) {
    return false;
  }
  WSPUSH_CHECK(header.fin && header.opcode != websocket::Opcode::kContinuation);
  const auto payload_bytes = static_cast<std::size_t>(header.payload_bytes);
  const ByteView plain_header(bytes.data(), header.header_bytes);
  reader.take(header.header_bytes, [](ByteView) {});
  if (is_control(header.opcode)) {
    pass(plain_header);
    reader.take(payload_bytes, pass);
    return true;
  }
  workspace.parts.clear();
  reader.take(payload_bytes, [&](ByteView part) { workspace.parts.push_back(part); });
  if (const auto deflated = deflation_.deflate(deflater_, window_bits_, workspace.parts)) {
    pass(websocket::encode_server_header(header.opcode, deflated->size(), true).view());
    pass(*deflated);
  } else {
    pass(plain_header);
    std::ranges::for_each(workspace.parts, pass);
  }
  return true;
}

/// Writes the frames that were made, and keeps what the stream below does not take.
IoResult DeflatingStream::hand_down() {
  const MutableBytes frames = deflation_.workspace().frames.view();
  if (frames.empty()) {
    return {};
  }
  const iovec piece{frames.data(), frames.size()};
  const IoResult result = below_->write({&piece, 1});
  if (result.status == IoStatus::kError) {
    return fail(result.error);
  }
  if (result.bytes < frames.size()) {
    unsent_ = std::make_unique<std::string>(as_view(frames.subspan(result.bytes)));
    unsent_begin_ = 0;
  }
  return result;
}

IoResult DeflatingStream::flush() {
  if (error_ != 0) {
    return {IoStatus::kError, 0, error_};
  }
  std::size_t moved = 0;
  IoResult result = below_->flush();
  if (result.status == IoStatus::kOk) {
    moved += result.bytes;
  }
  while (result.status == IoStatus::kOk && unsent_ != nullptr && !below_->has_unsent()) {
    const iovec piece{unsent_->data() + unsent_begin_, unsent_->size() - unsent_begin_};
    result = below_->write({&piece, 1});
    moved += result.bytes;
    unsent_begin_ += result.bytes;
    if (unsent_begin_ == unsent_->size()) {
      unsent_.reset();
    }
  }
  if (result.status != IoStatus::kError && is_output_ended_ && !is_end_told_ &&
      unsent_ == nullptr) {
    is_end_told_ = true;
    result = below_->end_output();
  }
  if (result.status == IoStatus::kError) {
    return fail(result.error);
  }
  const bool has_moved = moved > 0 || !has_unsent();
  return {has_moved ? IoStatus::kOk : IoStatus::kWouldBlock, moved, has_moved ? 0 : result.error};
}

IoResult DeflatingStream::end_output() {
  is_output_ended_ = true;
  return flush();
}

}  // namespace wspush::door
