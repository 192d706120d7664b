#include "hub/message_json.hpp"

#include "base/base64.hpp"
#include "base/json.hpp"

namespace wspush::hub {

bool append_members_before_payload(std::string& out, const Message& message) {
  out.append(R"("id":")");
  append_to(out, message.id());
  out.push_back('"');
  if (!message.key().empty()) {
    out.append(R"(,"key":)");
    append_json_string(out, message.key());
  }
  switch (message.kind()) {
    case PayloadKind::kJson:
      out.append(R"(,"data":)");
      return true;
    case PayloadKind::kText:
      out.append(R"(,"data":)");
      append_json_string(out, message.payload());
      return false;
    case PayloadKind::kBinary:
      out.append(R"(,"encoding":"base64","data":")");
      append_base64(out, message.payload());
      out.push_back('"');
      return false;
  }
  return false;
}

void append_message_members(std::string& out, const Message& message) {
  if (append_members_before_payload(out, message)) {
    out.append(message.payload());
  }
}

}  // namespace wspush::hub
