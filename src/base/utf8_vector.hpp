#pragma once

#include "wspush/base/bytes.hpp"

// The vector variants of is_valid_utf8(); use base/utf8.hpp. Only where the CPU supports them.
namespace wspush {

#if defined(__x86_64__)
bool is_valid_utf8_avx2(ByteView text) noexcept;
bool is_valid_utf8_avx512(ByteView text) noexcept;
#endif

}  // namespace wspush
