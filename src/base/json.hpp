#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <optional>
#include <string>

#include "wspush/base/bytes.hpp"
#include "wspush/base/result.hpp"

// JSON as it comes from outside (RFC 8259): checked in full once, then read as slices of the text,
// so that what is relayed to others goes out byte for byte as it came in. Nothing here builds a
// tree. One strict pass of our own does it: measured against a pass of simdjson's DOM it is faster
// from 100 B to 1 MiB, also without the second pass that slices would cost there (100 B: 75 to 105
// ns, 500 B: 199 to 302, 64 KiB: 72 to 96 us), and it takes the numbers that the DOM refuses.
// simdjson validates the UTF-8.
namespace wspush {

/// Arrays and objects that may be open at once. A scalar has depth 0, `[]` depth 1.
inline constexpr std::size_t kJsonDepthMax = 32;

/// Members of one object that can be found again; a command has fewer than ten.
inline constexpr std::size_t kJsonMembersMax = 32;

/// Where a text stops being JSON, and why.
struct JsonError {
  std::size_t offset = 0;  ///< of the first byte that is wrong; the text's size when it ends early
  const char* text = "";   ///< short English, static: "control character in a string"
  bool is_too_deep = false;  ///< it may be JSON, but has more than kJsonDepthMax levels
};

/// Whether `text` is exactly one JSON value, white space around it allowed.
///
/// Strict: UTF-8 (RFC 3629), no byte order mark, no lone surrogate escapes (I-JSON, RFC 7493 §2.1),
/// no more than kJsonDepthMax levels. A number of any size is fine: JavaScript reads `1e400` and 70
/// digits too, and we only pass them on. Pure; any thread; never allocates. Cost: linear.
Result<void, JsonError> check_json(ByteView text) noexcept;

enum class JsonType : std::uint8_t { kNull, kBoolean, kNumber, kString, kArray, kObject };

class JsonElements;
class JsonObject;

/// A key of 1 to 8 bytes without a zero byte as one number, which no other key has; 0 for any
/// other.
constexpr std::uint64_t json_name(ByteView key) {
  std::uint64_t name = 0;
  for (std::size_t i = 0; key.size() <= 8 && i < key.size(); ++i) {
    if (key[i] == '\0') {
      return 0;
    }
    name |= std::uint64_t{static_cast<unsigned char>(key[i])} << (8 * i);
  }
  return name;
}

/// One value of a text that has been checked: its type and its exact slice, white space around it
/// excluded. Lifetime: dies with the text. Copies are cheap.
struct JsonValue {
  JsonType type = JsonType::kNull;
  bool may_have_escapes = true;  ///< false: a string that is known to have none
  ByteView raw;

  JsonValue() = default;
  JsonValue(JsonType the_type, ByteView the_raw, bool the_escapes = true)
      : type(the_type), may_have_escapes(the_escapes), raw(the_raw) {}

  bool is_null() const { return type == JsonType::kNull; }
  bool is_boolean() const { return type == JsonType::kBoolean; }
  bool is_number() const { return type == JsonType::kNumber; }
  bool is_string() const { return type == JsonType::kString; }
  bool is_array() const { return type == JsonType::kArray; }
  bool is_object() const { return type == JsonType::kObject; }

  /// A number written without fraction and exponent, of any size: `7`, `-0`, not `7.0` or `7e0`.
  bool is_integer() const;

  /// The text of a string (empty for any other type), escapes resolved; valid UTF-8, may hold NUL.
  /// Lifetime: of the checked text when there was no escape, else of `scratch` until it changes.
  ByteView string(std::string& scratch) const {
    return is_string() && !may_have_escapes ? ByteView(raw.data() + 1, raw.size() - 2)
                                            : string_with_escapes(scratch);
  }

  /// None unless this is `true` or `false`.
  std::optional<bool> boolean() const;
  /// None unless this is an integer from 0 to 2^64-1, written without fraction and exponent.
  std::optional<std::uint64_t> as_uint64() const;
  /// None unless this is a number that a double can hold: none for `1e400`.
  std::optional<double> as_double() const;

  /// The elements of an array, for a range-for; none for any other type. Going through all of them
  /// costs one pass over the slice.
  JsonElements elements() const;
  /// The members of an object; an empty object for any other type. One pass over the slice.
  JsonObject as_object() const;

 private:
  ByteView string_with_escapes(std::string& scratch) const;
};

/// The elements of an array: `for (JsonValue element : value.elements())`. Lifetime: the text's.
class JsonElements {
 public:
  class Iterator {
   public:
    using value_type = JsonValue;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;

    const JsonValue& operator*() const { return value_; }
    const JsonValue* operator->() const { return &value_; }
    Iterator& operator++();
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) {
      return it.at_ == nullptr;
    }

   private:
    friend class JsonElements;
    const char* at_ = nullptr;   ///< just behind `value_`; null at the end
    const char* end_ = nullptr;  ///< the closing bracket
    JsonValue value_;
  };

  Iterator begin() const;
  std::default_sentinel_t end() const { return {}; }

 private:
  friend struct JsonValue;
  ByteView inside_;  ///< what stands between the brackets
};

/// The members of one checked object: the first kJsonMembersMax of them, those after are not kept
/// (they were checked all the same). About 1.3 KB on the stack, no allocation.
/// Lifetime: dies with the text.
class JsonObject {
 public:
  struct Member {
    ByteView raw_key;  ///< between the quotes, escapes as they came
    bool key_has_escapes = false;
    JsonValue value;

    /// The key with its escapes resolved. Lifetime: as of JsonValue::string().
    ByteView key(std::string& scratch) const;

    /// json_name() of the key with its escapes resolved: what a `switch` over the names of an
    /// object's members looks at. Cost: O(1), O(bytes of the key) where it has escapes; only then
    /// it may allocate.
    std::uint64_t name() const;

   private:
    std::uint64_t name_with_escapes() const;
  };

  JsonObject() noexcept {}
  JsonObject(const JsonObject& other) noexcept { *this = other; }
  JsonObject& operator=(const JsonObject& other) noexcept;

  /// The value of the member `key`, null when there is none; of several with one key the first.
  /// `key` is compared with escapes resolved, as `"\u006fp"` is "op" too. Cost: O(members); only a
  /// name with escapes is copied.
  /// Lifetime: the pointer dies with this object, the value's slice with the text.
  const JsonValue* find(ByteView key) const;

  /// Keeps `member` if there is room.
  void add(const Member& member) {
    if (count_ < kJsonMembersMax) {
      std::construct_at(&storage_.members[count_], member);
      ++count_;
    }
  }

  std::size_t size() const { return count_; }
  const Member* begin() const { return storage_.members.data(); }
  const Member* end() const { return begin() + count_; }

 private:
  friend struct JsonValue;

  /// Left alone until used: clearing 32 members would cost more than reading a small object.
  union Storage {
    Storage() noexcept {}
    std::array<Member, kJsonMembersMax> members;
  };
  Storage storage_;
  std::size_t count_ = 0;
};

/// json_name(), by words that overlap: a key has any length, and a loop over its bytes would be
/// mispredicted for each.
inline std::uint64_t JsonObject::Member::name() const {
  static_assert(std::endian::native == std::endian::little, "words are read as they lie");
  const std::size_t size = raw_key.size();
  if (key_has_escapes) {
    return name_with_escapes();
  }
  if (size == 0 || size > 8) {
    return 0;
  }
  if (size >= 4) {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::memcpy(&first, raw_key.data(), 4);
    std::memcpy(&last, raw_key.data() + size - 4, 4);
    return first | std::uint64_t{last} << (8 * (size - 4));
  }
  const auto byte = [this](std::size_t at) {
    return std::uint64_t{static_cast<unsigned char>(raw_key[at])};
  };
  return byte(0) | byte(size / 2) << (8 * (size / 2)) | byte(size - 1) << (8 * (size - 1));
}

/// The members of a checked object one after the other, however many there are and as often as one
/// key comes: `for (JsonMembers members(value); members.next();) { members.member() ... }`. None
/// for any other type. One pass over the slice; never allocates. Lifetime: the text's.
class JsonMembers {
 public:
  explicit JsonMembers(const JsonValue& object) noexcept;

  /// Goes to the first or the next member; false when there is none left.
  bool next() noexcept;
  const JsonObject::Member& member() const { return member_; }

 private:
  const char* at_ = nullptr;   ///< the next member's key, or the closing brace
  const char* end_ = nullptr;  ///< the closing brace
  JsonObject::Member member_;
};

/// As `check_json`, and the value itself. Lifetime: it borrows `text`.
Result<JsonValue, JsonError> parse_json(ByteView text) noexcept;

/// As `check_json`, and the value must be an object, whose members can then be looked up.
/// Lifetime: the object borrows `text`. Cost: one pass over the text; never allocates.
Result<JsonObject, JsonError> parse_json_object(ByteView text) noexcept;

/// The object would borrow a string that is about to die.
template <typename String>
requires std::same_as<String, std::string> Result<JsonObject, JsonError> parse_json_object(
    String&& text)
= delete;

/// Appends `utf8` as a JSON string with its quotes. What is not UTF-8 becomes U+FFFD, so the result
/// is always valid JSON. Cost: linear; one append for each run without escapes.
void append_json_string(std::string& out, ByteView utf8);

}  // namespace wspush
