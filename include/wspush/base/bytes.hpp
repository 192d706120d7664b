#pragma once

#include <span>
#include <string_view>

namespace wspush {

/// Borrowed bytes, text or not. Who keeps them copies them.
using ByteView = std::string_view;

/// Borrowed bytes that may be changed in place (unmasking does).
using MutableBytes = std::span<char>;

inline ByteView as_view(MutableBytes bytes) {
  return {bytes.data(), bytes.size()};
}

}  // namespace wspush
