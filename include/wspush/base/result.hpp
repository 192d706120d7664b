#pragma once

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace wspush {

/// The error side of a Result: `return Unexpected(FrameError::kReservedOpcode);`.
template <typename E>
class Unexpected {
 public:
  explicit constexpr Unexpected(E error) : error_(std::move(error)) {}
  constexpr E& error() & { return error_; }
  constexpr const E& error() const& { return error_; }

 private:
  E error_;
};

/// A value or the reason why there is none. Members are named as in std::expected (C++23), so that
/// it can become that one day. `value()` and `error()` may be called only on the side that is
/// there.
template <typename T, typename E>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  using error_type = E;

  constexpr Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  constexpr Result(Unexpected<E> unexpected)
      : state_(std::in_place_index<1>, std::move(unexpected.error())) {}

  constexpr bool has_value() const { return state_.index() == 0; }
  constexpr explicit operator bool() const { return has_value(); }

  constexpr T& value() & { return *std::get_if<0>(&state_); }
  constexpr const T& value() const& { return *std::get_if<0>(&state_); }
  constexpr T&& value() && { return std::move(*std::get_if<0>(&state_)); }
  constexpr T& operator*() & { return value(); }
  constexpr const T& operator*() const& { return value(); }
  constexpr T&& operator*() && { return std::move(*this).value(); }
  constexpr T* operator->() { return &value(); }
  constexpr const T* operator->() const { return &value(); }

  constexpr E& error() & { return *std::get_if<1>(&state_); }
  constexpr const E& error() const& { return *std::get_if<1>(&state_); }
  constexpr E&& error() && { return std::move(*std::get_if<1>(&state_)); }

 private:
  std::variant<T, E> state_;
};

/// A Result without a value: success, or the reason against it.
template <typename E>
class [[nodiscard]] Result<void, E> {
 public:
  using value_type = void;
  using error_type = E;

  constexpr Result() = default;
  constexpr Result(Unexpected<E> unexpected) : error_(std::move(unexpected.error())) {}

  constexpr bool has_value() const { return !error_.has_value(); }
  constexpr explicit operator bool() const { return has_value(); }
  constexpr E& error() & { return *error_; }
  constexpr const E& error() const& { return *error_; }

 private:
  std::optional<E> error_;
};

}  // namespace wspush
