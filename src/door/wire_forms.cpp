#include "door/wire_forms.hpp"

#include "base/base64.hpp"
#include "base/json.hpp"
#include "door/sse_format.hpp"
#include "http/response_writer.hpp"
#include "hub/message_json.hpp"
#include "websocket/frame_encoder.hpp"

namespace wspush::door {
namespace {

using hub::Message;
using hub::PayloadKind;
using hub::WireBytes;

/// What stands in the frame of a message: `before`, the payload unless `before` has it in another
/// spelling, `behind`.
struct Content {
  websocket::Opcode opcode = websocket::Opcode::kText;
  std::string before;
  ByteView payload;
  ByteView behind;
};
using MakeContent = Content (*)(ByteView topic, const Message& message);

void append_id_member(std::string& text, ByteView name, hub::MessageId id) {
  text.append(R"(,")").append(name).append(R"(":")");
  hub::append_to(text, id);
  text.push_back('"');
}

/// {"op":"join","topic":"room.1","member":{"user":"u1","info":null}}
/// {"op":"count","topic":"room.1","members":1234}
Content presence_content(ByteView topic, const Message& message) {
  Content content;
  std::string& text = content.before;
  text.append(R"({"op":")").append(message.key()).append(R"(","topic":)");
  append_json_string(text, topic);
  text.append(message.key() == hub::kCountEvent ? R"(,"members":)" : R"(,"member":)");
  content.payload = message.payload();
  content.behind = "}";
  return content;
}

/// {"op":"message","topic":"news","id":"1a2b3c4d-7","data":{"a":1}}
/// By a pattern, `"pattern":"*","position":"pAb1"` stands behind the topic.
Content wspush_v1_content(ByteView topic, const Message& message) {
  if (hub::is_presence_stream(topic)) {
    return presence_content(hub::topic_of_stream(topic), message);
  }
  Content content;
  std::string& text = content.before;
  const hub::FeedEntry* const entry = message.feed_entry();
  const bool is_gap = entry != nullptr && entry->is_gap();
  text = is_gap ? R"({"op":"gap","topic":)" : R"({"op":"message","topic":)";
  append_json_string(text, topic);
  if (entry != nullptr) {
    text.append(R"(,"pattern":)");
    append_json_string(text, entry->pattern());
    text.append(R"(,"position":")").append(to_string(entry->position)).push_back('"');
  }
  if (is_gap) {
    append_id_member(text, "after", entry->gap_after);
    append_id_member(text, "next", entry->gap_next);
    text.push_back('}');
    return content;
  }
  text.push_back(',');
  if (hub::append_members_before_payload(text, message)) {
    content.payload = message.payload();
    content.behind = "}";
  } else {
    text.push_back('}');
  }
  return content;
}

Content raw_content(ByteView /*topic*/, const Message& message) {
  return {.opcode = message.kind() == PayloadKind::kBinary ? websocket::Opcode::kBinary
                                                           : websocket::Opcode::kText,
          .before = {},
          .payload = message.payload(),
          .behind = {}};
}

/// id: 1a2b3c4d-7
/// data: {"a":1}
///
/// In a feed the id is its position, and `event: news` stands behind it.
Content sse_content(ByteView topic, const Message& message) {
  Content content;
  std::string& text = content.before;
  const hub::FeedEntry* const entry = message.feed_entry();
  if (entry != nullptr && entry->is_gap()) {
    append_gap_event(text, {.id = to_string(entry->position),
                            .topic = topic,
                            .after = to_string(entry->gap_after),
                            .next = to_string(entry->gap_next)});
    return content;
  }
  text = "id: ";
  if (entry != nullptr) {
    text.append(to_string(entry->position)).append("\nevent: ").append(topic);
  } else {
    hub::append_to(text, message.id());
  }
  text.push_back('\n');
  if (message.kind() == PayloadKind::kBinary) {
    text.append("data: ");
    append_base64(text, message.payload());
    content.behind = "\n\n";
  } else if (is_one_line(message.payload())) {
    text.append("data: ");
    content.payload = message.payload();
    content.behind = "\n\n";
  } else {
    append_data_lines(text, message.payload());
    content.behind = "\n";
  }
  return content;
}

/// {"topic":"news","id":"1a2b3c4d-7","data":{"a":1}}
/// A gap in a feed is no message: it has a frame, as everything has, but nobody sees it.
Content poll_content(ByteView topic, const Message& message) {
  Content content;
  std::string& text = content.before;
  if (const auto* entry = message.feed_entry(); entry != nullptr && entry->is_gap()) {
    text = "null";
    return content;
  }
  text = R"({"topic":)";
  append_json_string(text, topic);
  text.push_back(',');
  if (hub::append_members_before_payload(text, message)) {
    content.payload = message.payload();
  }
  content.behind = "}";
  return content;
}

/// As it is: a piece of a longer text.
std::unique_ptr<WireBytes> encode_piece(Content content) {
  auto form = std::make_unique<WireBytes>();
  form->prefix = std::move(content.before);
  form->suffix = content.behind;
  form->has_payload = !content.payload.empty();
  return form;
}

std::unique_ptr<WireBytes> encode_chunk(Content content) {
  const std::size_t bytes = content.before.size() + content.payload.size() + content.behind.size();
  std::string begin;
  http::append_chunk_begin(begin, bytes);
  content.before.insert(0, begin);
  auto form = encode_piece(std::move(content));
  form->suffix.append(http::kChunkEnd);
  return form;
}

std::unique_ptr<WireBytes> encode_plain(const Content& content) {
  const std::size_t bytes = content.before.size() + content.payload.size() + content.behind.size();
  const auto header = websocket::encode_server_header(content.opcode, bytes);
  auto form = std::make_unique<WireBytes>();
  form->prefix.reserve(header.view().size() + content.before.size());
  form->prefix.append(header.view()).append(content.before);
  form->suffix = content.behind;
  form->has_payload = !content.payload.empty();
  return form;
}

std::unique_ptr<WireBytes> encode_deflated(const Content& content, WindowClass window,
                                           Deflation& deflation) {
  const ByteView parts[] = {content.before, content.payload, content.behind};
  const auto payload = deflation.deflate(window, parts);
  if (!payload) {
    return encode_plain(content);
  }
  const auto header = websocket::encode_server_header(content.opcode, payload->size(), true);
  auto form = std::make_unique<WireBytes>();
  form->prefix.reserve(header.view().size() + payload->size());
  form->prefix.append(header.view()).append(*payload);
  form->has_payload = false;
  return form;
}

}  // namespace

std::array<hub::Encode, hub::kWireFormCount> wire_forms(Deflation& deflation) {
  std::array<hub::Encode, hub::kWireFormCount> forms{};
  const auto add = [&](hub::WireForm plain, MakeContent content) {
    forms[static_cast<std::size_t>(plain)] = [content](ByteView topic, const Message& message) {
      return encode_plain(content(topic, message));
    };
    for (const int bits : {9, 12, 15}) {
      const auto form = form_of(plain, websocket::DeflateAgreement{
                                           .server_window_bits = static_cast<std::uint8_t>(bits)});
      forms[static_cast<std::size_t>(form)] = [content, window = window_class(bits), &deflation](
                                                  ByteView topic, const Message& message) {
        return encode_deflated(content(topic, message), window, deflation);
      };
    }
  };
  add(hub::WireForm::kWspushV1, wspush_v1_content);
  add(hub::WireForm::kRaw, raw_content);
  const auto form = [&](hub::WireForm of) -> hub::Encode& {
    return forms[static_cast<std::size_t>(of)];
  };
  form(hub::WireForm::kSse) = [](ByteView topic, const Message& message) {
    return encode_piece(sse_content(topic, message));
  };
  form(hub::WireForm::kSseChunked) = [](ByteView topic, const Message& message) {
    return encode_chunk(sse_content(topic, message));
  };
  form(hub::WireForm::kPoll) = [](ByteView topic, const Message& message) {
    return encode_piece(poll_content(topic, message));
  };
  return forms;
}

}  // namespace wspush::door
