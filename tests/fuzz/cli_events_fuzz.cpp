#include <string>

#include "base/check.hpp"
#include "cli/message_line.hpp"
#include "cli/stream_answer.hpp"
#include "cli/subscriber.hpp"
#include "cli/v1_event.hpp"
#include "fuzz/fuzz.hpp"
#include "unit/base/json_oracle.hpp"

// The events of a server as `wspush sub` reads and prints them, one a line of the input; and each
// as the answer to an NDJSON stream.
namespace wspush::fuzz {
namespace {

void check_event(ByteView text) {
  const Copy copy(text);
  const auto event = cli::V1Event::parse(copy.view());
  if (!event) {
    return;
  }
  for (const ByteView name :
       {"op", "topic", "id", "data", "encoding", "messages", "ping_interval"}) {
    const auto value = event->find(name);
    if (value) {
      WSPUSH_CHECK(check_json(value->raw).has_value());
      WSPUSH_CHECK(value->raw.data() >= copy.view().data() &&
                   value->raw.data() + value->raw.size() <=
                       copy.view().data() + copy.view().size());
    }
    WSPUSH_CHECK(!event->find_string(name) || value->is_string());
  }
  // Where the text is JSON the cut finds what the parser finds.
  if (const auto object = parse_json_object(copy.view()); object && object->size() <= 16) {
    for (const ByteView name : {"op", "topic", "data"}) {
      const JsonValue* const wanted = object->find(name);
      const auto found = event->find(name);
      if (found) {
        WSPUSH_CHECK(wanted != nullptr && wanted->raw == found->raw);
      }
    }
  }
  for (const cli::LineFormat format : {cli::LineFormat::kRaw, cli::LineFormat::kJson}) {
    std::string line;
    cli::append_message_line(line, *event, copy.view(), format);
    WSPUSH_CHECK(line.find('\n') == line.size() - 1 && line.find('\r') == line.npos);
  }
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 8'000) {
    return;
  }
  for (const cli::LineFormat format : {cli::LineFormat::kRaw, cli::LineFormat::kJson}) {
    cli::Subscriber subscriber(
        {.topics = {"a", "b"}, .count = 3, .after = "first", .format = format});
    WSPUSH_CHECK(check_json(subscriber.subscribe_command()).has_value());
    Draw draw(input);
    while (!draw.is_empty()) {
      const ByteView text = draw.until('\n');
      cli::Subscriber::Output output;
      const auto verdict = subscriber.on_text(text, output);
      WSPUSH_CHECK(output.lines.empty() || output.lines.back() == '\n');
      WSPUSH_CHECK(std::count(output.lines.begin(), output.lines.end(), '\n') <= 1);
      WSPUSH_CHECK(subscriber.ping_interval().count() >= 0);
      WSPUSH_CHECK(check_json(subscriber.subscribe_command()).has_value());
      if (verdict != cli::Subscriber::Verdict::kGoOn) {
        WSPUSH_CHECK(verdict == cli::Subscriber::Verdict::kDone || !output.notes.empty());
        break;
      }
    }
  }
  Draw draw(input);
  while (!draw.is_empty()) {
    const ByteView text = draw.until('\n');
    check_event(text);
    if (const auto answer = cli::parse_stream_answer(text, 7)) {
      WSPUSH_CHECK(check_json(text).has_value());
    }
  }
}

}  // namespace wspush::fuzz
