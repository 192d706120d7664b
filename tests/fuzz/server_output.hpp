#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wspush/base/bytes.hpp"

#include "websocket/extension_offer.hpp"

// What must hold for all that a server says to one client, whatever that said: answers of HTTP,
// then frames.
namespace wspush::fuzz {

/// A masked frame as a client sends it, right or wrong. `first`: FIN, RSV and opcode.
std::string client_frame(std::uint8_t first, ByteView payload);

/// One frame that the server sent.
struct ServerFrame {
  int opcode = 0;
  std::string payload;
};

/// What a 101 said.
struct Upgrade {
  std::optional<websocket::DeflateAgreement> deflate;
};

/// Cuts what a server sent, and checks each frame: unmasked, whole, shortest length, no reserved
/// bit but that of a compressed message where these were agreed, which inflates; text is UTF-8; at
/// most one close, sendable, and nothing behind it. The last one may be cut only where
/// `may_be_cut`.
std::vector<ServerFrame> check_server_frames(ByteView bytes, bool may_be_cut,
                                             const Upgrade& upgrade = {});

/// Takes the answers of a server off the front of what it sent, and checks each; what the 101 said
/// when one of them was it. Behind it frames stand. An event stream is the last of them: its chunks
/// are whole, and what they hold is read as a browser does.
std::optional<Upgrade> check_responses(ByteView& bytes, bool may_be_cut);

/// The agreement on permessage-deflate in Sec-WebSocket-Extensions of a 101, which is checked to be
/// as RFC 7692 §7.1 says: known parameters, each once, numbers in range.
websocket::DeflateAgreement check_deflate_answer(std::string_view answer);

/// Checks that a text of the wspush.v1 door is an object with an `op`, and returns that.
std::string check_v1_text(ByteView text);

}  // namespace wspush::fuzz
