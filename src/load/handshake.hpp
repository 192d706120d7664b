#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "load/options.hpp"

namespace wspush::load {

/// The upgrade request of the run's client `number`, which its Sec-WebSocket-Key is made from.
/// `is_deflated`: it offers permessage-deflate, as browsers do.
std::string encode_handshake(const Options& options, std::string_view path,
                             std::string_view subprotocol, std::uint64_t number, bool is_deflated);

enum class HandshakeStatus : std::uint8_t { kDone, kNeedMore, kRefused };

/// Takes the answer off `input`: 101, the accept of this key, the subprotocol where one was asked
/// for, and compression where and only where it was offered. kRefused: `why` says what was wrong.
HandshakeStatus take_handshake_answer(std::string_view& input, std::string_view subprotocol,
                                      std::uint64_t number, bool is_deflated, std::string& why);

}  // namespace wspush::load
