#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "wspush/net/byte_stream.hpp"

#include "door/deflation.hpp"

namespace wspush::door {

/// permessage-deflate with context takeover (RFC 7692 §7.2.3.2): a message may refer to those that
/// this connection got before, so nobody else can be sent the same bytes.
///
/// Takes plain server frames, unmasked and unfragmented, and passes them to the stream below:
/// messages from compression.min_bytes on compressed, always, as our window and the client's have
/// to stay the same; smaller ones and control frames as they are. Those do not enter the window.
///
/// Takes whole frames only, as a frame once compressed cannot be taken back: so the caller never
/// has one that is cut. About kAheadBytesMax of compressed frames are made ahead of the stream
/// below; what it does not take of these is kept, so at most that and one more frame. An idle
/// stream owns no buffer, and no window before its first message.
///
/// Out of memory is an error (ECONNABORTED). Thread: the reactor's.
class DeflatingStream final : public net::StreamLayer {
 public:
  static constexpr std::size_t kAheadBytesMax = std::size_t{64} * 1024;

  /// `deflation` must outlive the stream. `window_bits` as agreed, 8 to 15.
  DeflatingStream(Deflation& deflation, int window_bits);
  ~DeflatingStream() override;

  /// What is written passes as it is until this is called, and after that for `bytes_before`: the
  /// 101 that may be queued still. Frames follow.
  void begin_frames(std::size_t bytes_before) { passing_bytes_ = bytes_before; }

  void sit_on(std::unique_ptr<net::ByteStream> below) noexcept override;
  net::IoResult read(MutableBytes into) override;
  bool has_unread() const override { return below_->has_unread(); }
  net::IoResult write(std::span<const iovec> pieces) override;
  bool has_unsent() const override;
  net::IoResult flush() override;
  net::IoResult end_output() override;

 private:
  class Reader;

  bool take_frame(Reader& reader);
  net::IoResult hand_down();
  net::IoResult fail(int error);

  Deflation& deflation_;
  std::unique_ptr<net::ByteStream> below_;
  std::unique_ptr<websocket::Deflater> deflater_;
  std::unique_ptr<std::string> unsent_;  ///< frames from `unsent_begin_` on
  std::size_t unsent_begin_ = 0;
  std::size_t passing_bytes_ = SIZE_MAX;
  int error_ = 0;  ///< not 0: it is over
  int window_bits_;
  bool is_output_ended_ = false;
  bool is_end_told_ = false;  ///< to the stream below
};

}  // namespace wspush::door
