#include "net/network_set.hpp"

#include <charconv>

namespace wspush::net {
namespace {

constexpr std::size_t kAddressBits = 128;
constexpr std::size_t kMappedBits = 96;  // before the 32 of an IPv4 address

bool share_prefix(const IpAddress& a, const IpAddress& b, std::size_t bits) {
  const std::size_t whole = bits / 8;
  for (std::size_t i = 0; i < whole; ++i) {
    if (a.bytes[i] != b.bytes[i]) {
      return false;
    }
  }
  const std::size_t rest = bits % 8;
  return rest == 0 || ((a.bytes[whole] ^ b.bytes[whole]) >> (8 - rest)) == 0;
}

}  // namespace

Result<NetworkSet::Network, std::string> NetworkSet::parse_one(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto fail = [text] { return Unexpected(std::string(text) + " is no network"); };
  if (slash == text.npos) {
    return fail();
  }
  const std::string_view address_text = text.substr(0, slash);
  const auto address = parse_ip(address_text);
  const std::string_view digits = text.substr(slash + 1);
  std::size_t bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (!address || digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
    return fail();
  }
  const bool is_v4 = address_text.find(':') == address_text.npos;
  if (bits > (is_v4 ? kAddressBits - kMappedBits : kAddressBits)) {
    return fail();
  }
  return Network{*address, is_v4 ? kMappedBits + bits : bits};
}

Result<NetworkSet, std::string> NetworkSet::parse(std::span<const std::string> networks) {
  NetworkSet set;
  for (const std::string& text : networks) {
    const auto network = parse_one(text);
    if (!network) {
      return Unexpected(network.error());
    }
    set.networks_.push_back(*network);
  }
  return set;
}

bool NetworkSet::contains(const IpAddress& address) const {
  for (const Network& network : networks_) {
    const bool is_one_family = !address.is_v4() || network.prefix_bits >= kMappedBits;
    if (is_one_family && share_prefix(address, network.address, network.prefix_bits)) {
      return true;
    }
  }
  return false;
}

IpAddress client_behind(const IpAddress& peer, std::span<const std::string_view> named,
                        const NetworkSet& trusted) {
  IpAddress client = peer;
  for (const std::string_view text : named) {
    const auto address = parse_ip(text);
    if (!address || address->is_none()) {
      break;
    }
    client = *address;
    if (!trusted.contains(client)) {
      break;
    }
  }
  return client;
}

}  // namespace wspush::net
