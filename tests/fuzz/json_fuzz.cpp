#include <charconv>
#include <string>

#include "base/check.hpp"
#include "base/json.hpp"
#include "fuzz/fuzz.hpp"
#include "unit/base/json_oracle.hpp"
#include "unit/base/slow_utf8.hpp"

// JSON: taken exactly where the grammar takes it, and every slice that is handed out is one value
// by itself. Strings come back through the escaper as the same text.
namespace wspush::fuzz {
namespace {

void check_value(const JsonValue& value, int depth);

void check_string(const JsonValue& value) {
  std::string scratch;
  const std::string text(value.string(scratch));
  WSPUSH_CHECK(slow_is_valid(text));
  std::string written;
  append_json_string(written, text);
  WSPUSH_CHECK(check_json(written).has_value());
  const auto object = "{\"k\":" + written + "}";
  const auto parsed = parse_json_object(object);
  WSPUSH_CHECK(parsed.has_value() && parsed->find("k") != nullptr);
  WSPUSH_CHECK(parsed->find("k")->string(scratch) == text);
}

void check_number(const JsonValue& value) {
  const bool is_integer = value.raw.find_first_of(".eE") == ByteView::npos;
  WSPUSH_CHECK(value.is_integer() == is_integer);
  std::uint64_t wanted = 0;
  const auto [end, error] =
      std::from_chars(value.raw.data(), value.raw.data() + value.raw.size(), wanted);
  const bool fits = is_integer && value.raw[0] != '-' && error == std::errc() &&
                    end == value.raw.data() + value.raw.size();
  const auto number = value.as_uint64();
  // "-0" is left to the implementation.
  WSPUSH_CHECK(value.raw[0] == '-' || number.has_value() == fits);
  WSPUSH_CHECK(!fits || *number == wanted);
  if (const auto real = value.as_double(); real && fits && wanted < (1U << 30U)) {
    WSPUSH_CHECK(*real == static_cast<double>(wanted));
  }
}

void check_object(const JsonValue& value, int depth) {
  const JsonObject object = value.as_object();
  WSPUSH_CHECK(object.size() <= kJsonMembersMax);
  for (const JsonObject::Member& member : object) {
    const std::string quoted = '"' + std::string(member.raw_key) + '"';
    const JsonValue key{JsonType::kString, quoted};
    WSPUSH_CHECK(test::JsonOracle::accepts(quoted, 0));
    std::string scratch;
    const std::string decoded(key.string(scratch));
    WSPUSH_CHECK(member.key(scratch) == decoded);
    WSPUSH_CHECK(member.name() == json_name(decoded));
    WSPUSH_CHECK(object.find(decoded) != nullptr);
    check_value(member.value, depth + 1);
  }
}

void check_value(const JsonValue& value, int depth) {
  WSPUSH_CHECK(depth <= static_cast<int>(kJsonDepthMax));
  WSPUSH_CHECK(test::JsonOracle::accepts(value.raw, static_cast<int>(kJsonDepthMax) - depth));
  WSPUSH_CHECK(value.raw.find_first_of(" \t\r\n") != 0);
  WSPUSH_CHECK(value.boolean().has_value() == value.is_boolean());
  std::size_t elements = 0;
  for (const JsonValue element : value.elements()) {
    WSPUSH_CHECK(element.raw.data() > value.raw.data());
    WSPUSH_CHECK(element.raw.data() + element.raw.size() < value.raw.data() + value.raw.size());
    check_value(element, depth + 1);
    ++elements;
  }
  WSPUSH_CHECK(elements == 0 || value.is_array());
  switch (value.type) {
    case JsonType::kString:
      return check_string(value);
    case JsonType::kNumber:
      return check_number(value);
    case JsonType::kObject:
      return check_object(value, depth);
    case JsonType::kNull:
    case JsonType::kBoolean:
    case JsonType::kArray:
      return;
  }
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 2'000) {
    return;  // The oracle looks at each level again.
  }
  const bool is_good = test::JsonOracle::accepts(input, static_cast<int>(kJsonDepthMax));
  const auto checked = check_json(input);
  WSPUSH_CHECK(checked.has_value() == is_good);
  WSPUSH_CHECK(is_good || checked.error().offset <= input.size());
  WSPUSH_CHECK(is_good || *checked.error().text != '\0');

  const auto object = parse_json_object(input);
  const std::size_t first = input.find_first_not_of(" \t\r\n");
  WSPUSH_CHECK(object.has_value() == (is_good && input[first] == '{'));
  if (is_good) {
    // The value as an element: read by the walk that trusts.
    const std::string array = "{\"a\":[" + std::string(input) + "]}";
    if (const auto parsed = parse_json_object(array)) {
      for (const JsonValue value : parsed->find("a")->elements()) {
        check_value(value, 2);
      }
    } else {
      WSPUSH_CHECK(!test::JsonOracle::accepts(array, static_cast<int>(kJsonDepthMax)));
    }
  }

  std::string escaped;
  append_json_string(escaped, input);
  WSPUSH_CHECK(test::JsonOracle::accepts(escaped, 0));
  if (slow_is_valid(input)) {
    std::string scratch;
    WSPUSH_CHECK((JsonValue{JsonType::kString, escaped}.string(scratch)) == input);
  }
}

}  // namespace wspush::fuzz
