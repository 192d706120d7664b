#include <string>
#include <vector>

#include "base/check.hpp"
#include "door/wspush_v1_session.hpp"
#include "fuzz/door_world.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/server_output.hpp"
#include "unit/base/json_oracle.hpp"
#include "unit/base/slow_utf8.hpp"

// Commands of the wspush.v1 door: the first byte chooses the limits, then each line is the text of
// one message. Every answer is one of the door's, with the id of the command byte for byte.
namespace wspush::fuzz {
namespace {

constexpr std::string_view kOps[] = {
    "welcome", "subscribed", "unsubscribed", "published", "history", "message", "pong",
    "error",   "gap",        "members",      "join",      "leave",   "count"};

/// The id as it stands in the command, if it is one that is answered to.
std::string id_of(ByteView command) {
  const auto object = parse_json_object(command);
  const JsonValue* const id = object ? object->find("id") : nullptr;
  return id != nullptr && (id->is_string() || id->is_integer()) ? std::string(id->raw)
                                                                : std::string();
}

void check_answer(const ServerFrame& frame, const std::vector<std::string>& ids) {
  if (frame.opcode != 1) {
    WSPUSH_CHECK(frame.opcode == 8);
    return;
  }
  const std::string op = check_v1_text(frame.payload);
  WSPUSH_CHECK(std::find(std::begin(kOps), std::end(kOps), op) != std::end(kOps));
  const std::string begin = R"({"op":")" + op + R"(","id":)";
  if (!frame.payload.starts_with(begin)) {
    return;
  }
  const ByteView rest = ByteView(frame.payload).substr(begin.size());
  WSPUSH_CHECK(op == "message" || std::any_of(ids.begin(), ids.end(), [&](const std::string& id) {
                 return rest.starts_with(id) && rest.size() > id.size() &&
                        (rest[id.size()] == ',' || rest[id.size()] == '}');
               }));
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 4'096) {
    return;
  }
  Draw draw(input);
  const std::uint8_t bits = draw.byte();
  const auto config = door_config((bits & 1U) != 0);
  config->limits.message_bytes = 1 << 20;
  DoorWorld world(config);
  auto session = std::make_unique<door::WspushV1Session>(world.connection(), world.context());
  door::WspushV1Session& opened = *session;
  world.connection().start(std::move(session));
  opened.open();
  std::vector<std::string> ids;
  while (!draw.is_empty() && world.connection().is_open()) {
    const ByteView command = draw.until('\n');
    if (!slow_is_valid(command)) {
      continue;
    }
    if (std::string id = id_of(command); !id.empty()) {
      ids.push_back(std::move(id));
    }
    world.connection().receive(client_frame(0x81, command));
    // Answers of the other reactor come later, or at once.
    if ((bits & 2U) != 0) {
      world.turn();
    }
  }
  world.turn();
  const auto frames =
      check_server_frames(world.connection().sent(), world.connection().has_unsent());
  WSPUSH_CHECK(!frames.empty() && check_v1_text(frames.front().payload) == "welcome");
  for (const ServerFrame& frame : frames) {
    check_answer(frame, ids);
  }
  WSPUSH_CHECK(world.context().hub.subscriptions_of(FuzzConnection::kSlot) <=
               config->limits.subscriptions_per_connection);
}

}  // namespace wspush::fuzz
