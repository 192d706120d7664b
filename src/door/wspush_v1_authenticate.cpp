// The command `auth`: who the client of a `wspush.v1` session is, and that it still is.
#include <algorithm>
#include <chrono>
#include <string>

#include "door/credentials.hpp"
#include "door/wspush_v1_session.hpp"

namespace wspush::door {

void WspushV1Session::authenticate(const Command& command) {
  const JsonValue* token = command.object.find("token");
  if (token == nullptr || !token->is_string()) {
    fail(command.id, CommandError::kBadRequest, "token must be a string");
    return;
  }
  std::string scratch;
  auto renewed = check_token(context(), token->string(scratch));
  if (!renewed) {
    fail(command.id, renewed.error().error, renewed.error().message);
    return;
  }
  if (identity() != nullptr && identity()->user != (*renewed)->user) {
    fail(command.id, CommandError::kForbidden, "the token is another user's");
    return;
  }
  use_identity(std::move(*renewed));
  if (!command.id.empty()) {
    std::string text = R"({"op":"authenticated","id":)";
    text.append(command.id).append(R"(,"user":)");
    append_json_string(text, identity()->user);
    text.append(R"(,"expires_in":)");
    if (identity()->expires_at) {
      // Whole seconds; within the clock skew that is granted none is left.
      const auto left =
          std::chrono::floor<std::chrono::seconds>(*identity()->expires_at - context().wall);
      text.append(std::to_string(std::max<std::chrono::seconds::rep>(left.count(), 0)));
    } else {
      text.append("null");
    }
    text.push_back('}');
    send_text(text);
  }
  give_up_what_is_forbidden();
  if (!is_closing()) {
    context().hub.set_user(connection().handle().slot, present_user(identity_ref()));
  }
}

}  // namespace wspush::door
