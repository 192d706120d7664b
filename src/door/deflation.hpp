#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "wspush/base/clock.hpp"
#include "wspush/config/config.hpp"
#include "wspush/hub/message.hpp"

#include "metrics/reactor_metrics.hpp"
#include "websocket/extension_offer.hpp"
#include "websocket/permessage_deflate.hpp"

// permessage-deflate as the connections of one reactor share it: who keeps no window between
// messages needs no compressor of its own, so that an idle connection owns nothing for it.
namespace wspush::door {

/// Windows that frames are deflated with (docs/decisions/0006-window-classes.md). An agreement on
/// fewer bits than a class has gets the class below.
enum class WindowClass : std::uint8_t { k9, k12, k15 };
inline constexpr std::size_t kWindowClassCount = 3;

constexpr WindowClass window_class(int window_bits) {
  return window_bits >= 15   ? WindowClass::k15
         : window_bits >= 12 ? WindowClass::k12
                             : WindowClass::k9;
}

/// The form in which a subscriber gets messages: `plain` where nothing was agreed, its deflated
/// twin otherwise.
hub::WireForm form_of(hub::WireForm plain,
                      const std::optional<websocket::DeflateAgreement>& agreement);

/// Compressors and decompressor of a reactor, made when they are first needed. May throw
/// std::bad_alloc. Thread: the reactor's.
class Deflation {
 public:
  Deflation(const config::Compression& settings, metrics::ReactorMetrics& metrics);

  /// What is granted to a client that offers; nothing where compression is off.
  std::optional<websocket::DeflateBounds> bounds() const;

  /// The compressed payload of the message that `parts` are together, which refers to nothing
  /// before it. Nothing where it goes plain: below compression.min_bytes, or it would not shrink.
  /// Lifetime: until the next call; whatever may write to a connection may call it.
  std::optional<ByteView> deflate(WindowClass window, std::span<const ByteView> parts);

  /// The same with `own`, the deflater of one connection whose window outlives its messages; made
  /// here for the first of them that is not below compression.min_bytes. From that size on there is
  /// always a result. With std::bad_alloc nothing can follow on that connection.
  std::optional<ByteView> deflate(std::unique_ptr<websocket::Deflater>& own, int window_bits,
                                  std::span<const ByteView> parts);

  /// The message in `payload`. `own` is the connection's inflater where its client's window
  /// outlives a message; null: the shared one.
  /// Lifetime of `message`: until the next call. Errors: those of Inflater::inflate.
  websocket::FrameError inflate(websocket::Inflater* own, ByteView payload,
                                std::uint64_t message_bytes_max, MutableBytes& message);

  /// What one turn inflates, all connections together: 10 ms or so, with the echo of it. One
  /// message may go over. A read of 256 KiB could hold 250 MiB of messages that are within all
  /// limits, and a second of work.
  static constexpr std::size_t kInflatedPerTurnMax = std::size_t{2} << 20;
  /// True: enough was inflated in the turn that began at `turn`; the rest can wait for another one.
  bool has_inflated_enough(TimePoint turn);

  /// What the DeflatingStreams of the reactor share. Lifetime of its content: one call of one.
  struct Workspace {
    websocket::ScratchBuffer frames;
    std::vector<ByteView> parts;
  };
  Workspace& workspace() { return workspace_; }

 private:
  std::optional<ByteView> deflate(websocket::Deflater& deflater, std::size_t bytes,
                                  std::span<const ByteView> parts);

  config::Compression settings_;
  metrics::ReactorMetrics& metrics_;
  std::array<std::unique_ptr<websocket::Deflater>, kWindowClassCount> deflaters_;
  std::unique_ptr<websocket::Inflater> inflater_;
  // Two, as an inflated message may be deflated again (echo) while it is still being read.
  websocket::ScratchBuffer deflated_;
  websocket::ScratchBuffer inflated_;
  TimePoint turn_{};
  std::size_t inflated_in_turn_ = 0;  ///< bytes, before and after
  Workspace workspace_;
};

}  // namespace wspush::door
