#include "cli/stream_answer.hpp"

#include "base/json.hpp"

namespace wspush::cli {
namespace {

std::string member_text(const JsonObject& object, ByteView name) {
  const JsonValue* value = object.find(name);
  std::string scratch;
  return value != nullptr ? std::string(value->string(scratch)) : std::string();
}

std::uint64_t member_count(const JsonObject& object, ByteView name) {
  const JsonValue* value = object.find(name);
  return value != nullptr ? value->as_uint64().value_or(0) : 0;
}

}  // namespace

std::optional<StreamAnswer> parse_stream_answer(ByteView body, std::uint64_t lines_before) {
  const auto object = parse_json_object(body);
  if (!object || object->find("published") == nullptr || object->find("failed") == nullptr) {
    return std::nullopt;
  }
  StreamAnswer answer{.published = member_count(*object, "published"),
                      .failed = member_count(*object, "failed"),
                      .notes = {}};
  if (const JsonValue* errors = object->find("errors")) {
    for (const JsonValue& each : errors->elements()) {
      const JsonObject entry = each.as_object();
      const JsonValue* error = entry.find("error");
      const JsonObject said = error != nullptr ? error->as_object() : JsonObject();
      answer.notes.push_back("line " + std::to_string(member_count(entry, "line") + lines_before) +
                             ": " + member_text(said, "message") + " (" +
                             member_text(said, "code") + ")");
    }
  }
  if (answer.failed > answer.notes.size()) {
    answer.notes.push_back("and " + std::to_string(answer.failed - answer.notes.size()) + " more");
  }
  return answer;
}

}  // namespace wspush::cli
