#include "api/message_entry.hpp"

#include <utility>

#include "api/topic_access.hpp"
#include "base/base64.hpp"

namespace wspush::api {
namespace {

struct Payload {
  hub::PayloadKind kind = hub::PayloadKind::kJson;
  ByteView bytes;
};

/// The members that a message may have; null: not there. Of several with one name the first.
struct Members {
  const JsonValue* topic = nullptr;
  const JsonValue* key = nullptr;
  const JsonValue* data = nullptr;
  const JsonValue* text = nullptr;
  const JsonValue* base64 = nullptr;
};

void keep_first(const JsonValue*& place, const JsonValue& value) {
  if (place == nullptr) {
    place = &value;
  }
}

Members members_of(const JsonObject& object) {
  Members found;
  for (const JsonObject::Member& member : object) {
    switch (member.name()) {
      case json_name("topic"):
        keep_first(found.topic, member.value);
        break;
      case json_name("key"):
        keep_first(found.key, member.value);
        break;
      case json_name("data"):
        keep_first(found.data, member.value);
        break;
      case json_name("text"):
        keep_first(found.text, member.value);
        break;
      case json_name("base64"):
        keep_first(found.base64, member.value);
        break;
      default:
        break;  // Others are ignored.
    }
  }
  return found;
}

/// Lifetime of the bytes: of the JSON text, or of `scratch`.
Result<Payload, ApiError> read_payload(const Members& members, std::string& scratch) {
  const auto [topic, key, data, text, base64] = members;
  if ((data != nullptr ? 1 : 0) + (text != nullptr ? 1 : 0) + (base64 != nullptr ? 1 : 0) != 1) {
    return Unexpected(bad_request("a message has one of data, text and base64"));
  }
  if (data != nullptr) {
    return Payload{hub::PayloadKind::kJson, data->raw};
  }
  if (text != nullptr) {
    if (!text->is_string()) {
      return Unexpected(bad_request("text is a string"));
    }
    return Payload{hub::PayloadKind::kText, text->string(scratch)};
  }
  std::string unescaped;
  auto decoded = base64->is_string() ? base64_decode(base64->string(unescaped)) : std::nullopt;
  if (!decoded) {
    return Unexpected(bad_request("base64 is a string in the padded alphabet of RFC 4648"));
  }
  scratch = std::move(*decoded);
  return Payload{hub::PayloadKind::kBinary, scratch};
}

/// Empty where there is none. Lifetime: of the JSON text, or of `scratch`.
Result<ByteView, ApiError> read_key(const JsonValue* value, std::string& scratch) {
  if (value == nullptr || value->is_null()) {
    return ByteView();
  }
  const ByteView key = value->string(scratch);
  if (!value->is_string() || key.size() > kMessageKeyBytesMax) {
    return Unexpected(bad_request("key is a string of at most 255 bytes"));
  }
  return key;
}

}  // namespace

Result<Entry, ApiError> read_entry(const JsonObject& object, Caller& caller, ApiContext& context) {
  const Members members = members_of(object);
  if (members.topic == nullptr || !members.topic->is_string()) {
    return Unexpected(bad_request("a message has a topic, a string"));
  }
  std::string scratch;
  const auto rule = admit_next(members.topic->string(scratch), caller, context);
  if (!rule) {
    return Unexpected(rule.error());
  }
  std::string key_scratch;
  const auto key = read_key(members.key, key_scratch);
  if (!key) {
    return Unexpected(key.error());
  }
  const auto payload = read_payload(members, scratch);
  if (!payload) {
    return Unexpected(payload.error());
  }
  if (payload->bytes.size() > (*rule)->message_bytes) {
    context.metrics.limit_hit(metrics::Limit::kRuleMessageBytes);
    return Unexpected(too_large("the message is larger than its topic allows"));
  }
  return Entry{.topic = caller.last_admitted.topic,
               .message = hub::Message::create(payload->kind, payload->bytes, *key)};
}

}  // namespace wspush::api
