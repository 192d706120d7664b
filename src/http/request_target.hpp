#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wspush/base/result.hpp"

#include "http/http_fault.hpp"

namespace wspush::http {

/// More segments than any path of ours: such a path is unknown (404).
inline constexpr std::size_t kPathSegmentsMax = 64;
/// Query parameters of one request. Above -> 400.
inline constexpr std::size_t kQueryParametersMax = 256;

enum class TargetForm : std::uint8_t { kOrigin, kAbsolute, kAsterisk };

/// A request target cut up, nothing decoded yet.
/// Lifetime: views into the target; `path` of "http://host" is a static "/".
struct TargetParts {
  TargetForm form = TargetForm::kOrigin;
  std::string_view authority;  ///< of the absolute form
  std::string_view path;       ///< begins with '/'; "*" of the asterisk form
  std::string_view query;      ///< behind the first '?'
};

/// Errors: kBadTarget (a byte that may not stand there, a fragment, user info), kBadTargetForm
/// (neither `/path`, nor `http[s]://host/path`, nor `*` with OPTIONS). Source: RFC 9112 §3.2.
Result<TargetParts, HttpFault> split_target(std::string_view method, std::string_view target);

/// A request target, decoded. Owns what it holds, so that it outlives the head.
/// Thread: the owner's.
class RequestTarget {
 public:
  struct Parameter {
    std::string name;
    std::string value;
  };

  RequestTarget() = default;

  /// Each path segment is decoded by itself: `%2F` stays part of its segment. In the query '+' is a
  /// space, and a bad escape stays as it was sent. Dot segments are left as they are (clients take
  /// them out). Whether the result is UTF-8 is for who reads it.
  /// Errors: those of `split_target`, kBadEscape, kTooManySegments, kTooManyParameters.
  /// Cost: O(bytes); one allocation a long segment or parameter.
  static Result<RequestTarget, HttpFault> parse(std::string_view method, std::string_view target);

  /// `*`, the server as a whole: no path, no segments.
  bool is_asterisk() const { return path_ == "*"; }

  /// As sent, still encoded, without the query: "/topics/a%20b".
  std::string_view path() const { return path_; }
  /// As sent, still encoded, without the '?'.
  std::string_view query() const { return query_; }

  /// The decoded segments: {"topics", "a b"}; none for "/", a last empty one for "/topics/".
  std::span<const std::string> segments() const { return segments_; }

  /// The decoded parameters in the order sent. A name without '=' has an empty value.
  std::span<const Parameter> parameters() const { return parameters_; }

  /// The value of the first parameter of this name (names compare with case).
  /// Lifetime: the view dies with the target.
  std::optional<std::string_view> find(std::string_view name) const;

  /// The values of all parameters of this name, in order.
  std::vector<std::string_view> all(std::string_view name) const;

 private:
  std::optional<HttpFault> decode_path();
  std::optional<HttpFault> decode_query();

  std::string path_ = "/";
  std::string query_;
  std::vector<std::string> segments_;
  std::vector<Parameter> parameters_;
};

}  // namespace wspush::http
