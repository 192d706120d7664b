#include "net/tls_error.hpp"

#include <system_error>

#include <openssl/err.h>

namespace wspush::net {

std::string take_tls_error() {
  const unsigned long error = ERR_peek_error();
  ERR_clear_error();
  if (error == 0) {
    return "unknown error";
  }
  if (ERR_SYSTEM_ERROR(error)) {
    return std::generic_category().message(ERR_GET_REASON(error));
  }
  const char* const reason = ERR_reason_error_string(error);
  return reason != nullptr ? reason : "error " + std::to_string(error);
}

void clear_tls_errors() {
  ERR_clear_error();
}

}  // namespace wspush::net
