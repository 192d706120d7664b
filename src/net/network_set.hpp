#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wspush/base/result.hpp"

#include "net/address.hpp"

namespace wspush::net {

/// A set of networks in CIDR notation, `10.0.0.0/8` or `fd00::/8`: those whose word about other
/// addresses is believed. Bits behind the prefix are ignored. A network of IPv6 holds no IPv4
/// address, though these are kept in their v4-mapped form: who writes `::/0` has not said
/// `0.0.0.0/0`.
///
/// Immutable once built. Thread: any. Cost: O(networks) a look-up; there are a handful.
class NetworkSet {
 public:
  NetworkSet() = default;

  /// Errors: the first text that is no network.
  static Result<NetworkSet, std::string> parse(std::span<const std::string> networks);

  bool contains(const IpAddress& address) const;

 private:
  struct Network {
    IpAddress address;
    std::size_t prefix_bits = 0;  ///< of the 128
  };

  static Result<Network, std::string> parse_one(std::string_view text);

  std::vector<Network> networks_;
};

/// Who is at the far end of a chain of proxies: `named` are the addresses that they named, the word
/// of the nearest one (`peer`) first. They are walked for as long as the speaker is in `trusted`:
/// the first address that is not is the client. What follows may be anything, for the client has
/// written it itself.
///
/// An entry that is no address ends the walk, and so does "::", which is nobody's (RFC 4291
/// §2.5.2); then the client is who was to be asked next. `peer` is expected to be in `trusted`.
/// Cost: O(entries).
IpAddress client_behind(const IpAddress& peer, std::span<const std::string_view> named,
                        const NetworkSet& trusted);

}  // namespace wspush::net
