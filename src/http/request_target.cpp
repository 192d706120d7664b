#include "http/request_target.hpp"

#include <algorithm>
#include <utility>

#include "base/percent.hpp"
#include "http/grammar.hpp"
#include "http/message_framing.hpp"

namespace wspush::http {
namespace {

/// As many as the paths of the server have: their list does not grow by steps.
constexpr std::size_t kUsualSegments = 4;

/// Takes `prefix` off `text` where it stands there in any case.
bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!equals_ignoring_case(text.substr(0, prefix.size()), prefix)) {
    return false;
  }
  text.remove_prefix(prefix.size());
  return true;
}

void split_query(std::string_view text, TargetParts& parts) {
  const std::size_t mark = text.find('?');
  parts.path = text.substr(0, mark);
  parts.query = mark == std::string_view::npos ? std::string_view() : text.substr(mark + 1);
}

}  // namespace

Result<TargetParts, HttpFault> split_target(std::string_view method, std::string_view target) {
  if (!std::all_of(target.begin(), target.end(), is_target_char)) {
    return Unexpected(HttpFault::kBadTarget);
  }
  TargetParts parts;
  if (target == "*" && method == "OPTIONS") {
    parts.form = TargetForm::kAsterisk;
    parts.path = target;
    return parts;
  }
  if (target.starts_with('/')) {
    split_query(target, parts);
    return parts;
  }
  if (!take_prefix(target, "http://") && !take_prefix(target, "https://")) {
    return Unexpected(HttpFault::kBadTargetForm);
  }
  parts.form = TargetForm::kAbsolute;
  const std::size_t authority_bytes = std::min(target.find_first_of("/?"), target.size());
  parts.authority = target.substr(0, authority_bytes);
  // User info fails here too: '@' is in no host.
  if (parts.authority.empty() || !is_valid_host(parts.authority)) {
    return Unexpected(HttpFault::kBadTarget);
  }
  split_query(target.substr(authority_bytes), parts);
  if (parts.path.empty()) {
    parts.path = "/";
  }
  return parts;
}

Result<RequestTarget, HttpFault> RequestTarget::parse(std::string_view method,
                                                      std::string_view target) {
  const auto parts = split_target(method, target);
  if (!parts) {
    return Unexpected(parts.error());
  }
  RequestTarget result;
  result.path_ = parts->path;
  result.query_ = parts->query;
  if (const auto fault = result.decode_path()) {
    return Unexpected(*fault);
  }
  if (const auto fault = result.decode_query()) {
    return Unexpected(*fault);
  }
  return result;
}

std::optional<HttpFault> RequestTarget::decode_path() {
  if (is_asterisk() || path_ == "/") {
    return std::nullopt;
  }
  std::string_view rest = path_;
  segments_.reserve(kUsualSegments);
  while (!rest.empty()) {
    rest.remove_prefix(1);  // the '/'
    if (segments_.size() == kPathSegmentsMax) {
      return HttpFault::kTooManySegments;
    }
    const std::size_t bytes = std::min(rest.find('/'), rest.size());
    auto segment = percent_decode(rest.substr(0, bytes));
    if (!segment) {
      return HttpFault::kBadEscape;
    }
    segments_.push_back(*std::move(segment));
    rest.remove_prefix(bytes);
  }
  return std::nullopt;
}

std::optional<HttpFault> RequestTarget::decode_query() {
  std::string_view rest = query_;
  while (!rest.empty()) {
    const std::size_t bytes = std::min(rest.find('&'), rest.size());
    const std::string_view piece = rest.substr(0, bytes);
    rest.remove_prefix(std::min(bytes + 1, rest.size()));
    if (piece.empty()) {
      continue;
    }
    if (parameters_.size() == kQueryParametersMax) {
      return HttpFault::kTooManyParameters;
    }
    const std::size_t name_bytes = std::min(piece.find('='), piece.size());
    // A bad escape stays as it was sent: parameters that nobody asks for are not judged, and no
    // value that somebody does ask for has a percent sign in it.
    const auto decode = [](std::string_view text) {
      return percent_decode(text, PlusSign::kSpace).value_or(std::string(text));
    };
    parameters_.push_back({decode(piece.substr(0, name_bytes)),
                           decode(piece.substr(std::min(name_bytes + 1, piece.size())))});
  }
  return std::nullopt;
}

std::optional<std::string_view> RequestTarget::find(std::string_view name) const {
  for (const Parameter& parameter : parameters_) {
    if (parameter.name == name) {
      return parameter.value;
    }
  }
  return std::nullopt;
}

std::vector<std::string_view> RequestTarget::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const Parameter& parameter : parameters_) {
    if (parameter.name == name) {
      values.emplace_back(parameter.value);
    }
  }
  return values;
}

}  // namespace wspush::http
