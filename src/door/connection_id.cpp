#include "door/context.hpp"

namespace wspush::door {
namespace {

// tag of the process, reactor, generation, slot: 4 + 4 + 8 + 8 hex digits
constexpr std::size_t kDigits = 24;

void append_hex(std::string& out, std::uint64_t value, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    out.push_back("0123456789abcdef"[(value >> shift) & 0xf]);
  }
}

bool take_hex(ByteView& text, int digits, std::uint64_t& value) {
  value = 0;
  for (int i = 0; i < digits; ++i) {
    const char c = text[static_cast<std::size_t>(i)];
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_digit && !(c >= 'a' && c <= 'f')) {
      return false;
    }
    value = (value << 4) | static_cast<std::uint64_t>(is_digit ? c - '0' : c - 'a' + 10);
  }
  text.remove_prefix(static_cast<std::size_t>(digits));
  return true;
}

}  // namespace

std::string connection_id(const Context& context, Handle handle) {
  std::string id;
  id.reserve(kDigits);
  append_hex(id, context.instance & 0xffff, 4);
  append_hex(id, context.reactor, 4);
  append_hex(id, handle.generation, 8);
  append_hex(id, handle.slot, 8);
  return id;
}

bool parse_connection_id(ByteView id, std::uint64_t instance, std::uint16_t& reactor,
                         Handle& handle) {
  std::uint64_t tag = 0;
  std::uint64_t reactor_value = 0;
  std::uint64_t generation = 0;
  std::uint64_t slot = 0;
  if (id.size() != kDigits || !take_hex(id, 4, tag) || tag != (instance & 0xffff) ||
      !take_hex(id, 4, reactor_value) || !take_hex(id, 8, generation) || !take_hex(id, 8, slot)) {
    return false;
  }
  reactor = static_cast<std::uint16_t>(reactor_value);
  handle = {static_cast<std::uint32_t>(slot), static_cast<std::uint32_t>(generation)};
  return true;
}

}  // namespace wspush::door
