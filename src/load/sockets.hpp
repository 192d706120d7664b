#pragma once

#include <cstddef>
#include <cstdint>
#include <netinet/in.h>
#include <string>
#include <string_view>

#include "wspush/base/result.hpp"

#include "base/unique_fd.hpp"

namespace wspush::load {

/// An IPv4 address and a port, `127.0.0.1:8080`.
struct Address {
  in_addr ip{};
  std::uint16_t port = 0;

  std::string to_string() const;
  bool is_loopback() const;
};
/// Errors: `text` is none, as a name is not.
Result<Address, std::string> parse_address(std::string_view text);

/// The IPv4 address of a name or literal. Blocks. Errors: a sentence with the resolver's reason.
Result<Address, std::string> resolve(const std::string& host, std::uint16_t port);

/// Starts a non-blocking connection with TCP_NODELAY; the socket is writable once it stands.
///
/// `source_index` chooses the source address 127.0.0.2 + index when `to` is on loopback: one
/// address has about 28,000 ports, and those of the last run linger in TIME_WAIT for a minute.
/// `receive_buffer_bytes` above 0 caps what the kernel takes before it is read. Errors: the call
/// that failed and why.
Result<UniqueFd, std::string> start_connect(const Address& to, std::size_t source_index,
                                            int receive_buffer_bytes = 0);

/// A non-blocking listener on `at`; port 0 takes a free one.
Result<UniqueFd, std::string> listen_on(const Address& at);

/// The address a socket is bound to.
Address local_address(int fd);

/// The error a non-blocking connect ended with, 0 for none.
int take_socket_error(int fd);

/// Lifts the soft limit of open descriptors to the hard one, and returns it.
std::size_t raise_descriptor_limit();

/// `call: text of errno`.
std::string system_error(std::string_view call, int error);

}  // namespace wspush::load
