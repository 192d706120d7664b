#include "net/sys_error.hpp"

#include <cerrno>
#include <cstring>

namespace wspush::net {

std::string SysError::text() const {
  // The *_np functions give constant strings; strerror() shares a buffer between threads.
  const char* description = ::strerrordesc_np(error);
  const char* name = ::strerrorname_np(error);
  std::string text = call;
  text += ": ";
  text += description != nullptr ? description : "unknown error";
  text += " (";
  text += name != nullptr ? name : std::to_string(error);
  text += ')';
  return text;
}

SysError last_error(const char* call) {
  return {call, errno};
}

}  // namespace wspush::net
