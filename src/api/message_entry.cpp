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

/// Lifetime of the bytes: of the JSON text, or of `scratch`.
Result<Payload, ApiError> read_payload(const JsonObject& object, std::string& scratch) {
  const JsonValue* const data = object.find("data");
  const JsonValue* const text = object.find("text");
  const JsonValue* const base64 = object.find("base64");
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
Result<ByteView, ApiError> read_key(const JsonObject& object, std::string& scratch) {
  const JsonValue* const value = object.find("key");
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
  const JsonValue* const topic_value = object.find("topic");
  if (topic_value == nullptr || !topic_value->is_string()) {
    return Unexpected(bad_request("a message has a topic, a string"));
  }
  std::string scratch;
  Entry entry;
  entry.topic = topic_value->string(scratch);
  const auto rule = admit(entry.topic, auth::ApiRight::kPublish, caller, context);
  if (!rule) {
    return Unexpected(rule.error());
  }
  std::string key_scratch;
  const auto key = read_key(object, key_scratch);
  if (!key) {
    return Unexpected(key.error());
  }
  const auto payload = read_payload(object, scratch);
  if (!payload) {
    return Unexpected(payload.error());
  }
  if (payload->bytes.size() > (*rule)->message_bytes) {
    context.metrics.limit_hit(metrics::Limit::kRuleMessageBytes);
    return Unexpected(too_large("the message is larger than its topic allows"));
  }
  entry.message = hub::Message::create(payload->kind, payload->bytes, *key);
  return entry;
}

}  // namespace wspush::api
