#include <set>
#include <string>
#include <vector>

#include "base/base64.hpp"
#include "base/check.hpp"
#include "fuzz/door_world.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/http_oracle.hpp"
#include "fuzz/server_output.hpp"
#include "unit/http/parsed_head.hpp"
#include "websocket/client_handshake.hpp"
#include "websocket/opening_handshake.hpp"

// The opening handshake of every door. The input is the head of a request. The server may say 101
// only where each condition of RFC 6455 §4.2.1 holds by a plain reading, and then what it says is
// what a client accepts.
namespace wspush::fuzz {
namespace {

/// Elements of a list, cut at commas outside of quotes.
std::vector<std::string> plain_elements(const std::vector<std::string>& values) {
  std::vector<std::string> elements;
  for (const std::string& value : values) {
    std::string element;
    bool is_quoted = false;
    for (std::size_t i = 0; i <= value.size(); ++i) {
      if (i == value.size() || (value[i] == ',' && !is_quoted)) {
        if (!plain_trim(element).empty()) {
          elements.push_back(plain_trim(element));
        }
        element.clear();
        continue;
      }
      if (value[i] == '\\' && is_quoted && i + 1 < value.size()) {
        element += value[i++];
      } else if (value[i] == '"') {
        is_quoted = !is_quoted;
      }
      element += value[i];
    }
  }
  return elements;
}

bool has_element(const PlainHead& head, std::string_view name, std::string_view token) {
  for (const std::string& element : plain_elements(head.values_of(name))) {
    if (PlainHead::lower(element) == token) {
      return true;
    }
  }
  return false;
}

/// base64 of sixteen bytes; the bits that the last character leaves unused may be anything.
bool is_key(const std::string& value) {
  if (value.size() != 24 || !value.ends_with("==")) {
    return false;
  }
  const std::string digits = value.substr(0, 22);
  return digits.find('=') == digits.npos && base64_decode(digits.substr(0, 20)).has_value() &&
         base64_decode("AA" + digits.substr(20)).has_value();
}

void check_accepted(ByteView request, ByteView sent) {
  const auto head = plain_head(request, http::kLeadingEmptyLinesMax);
  WSPUSH_CHECK(head.has_value());
  WSPUSH_CHECK(head->bytes == request.size());
  WSPUSH_CHECK(head->first_line.starts_with("GET ") && head->first_line.ends_with(" HTTP/1.1"));
  WSPUSH_CHECK(has_element(*head, "Upgrade", "websocket"));
  WSPUSH_CHECK(has_element(*head, "Connection", "upgrade"));
  WSPUSH_CHECK(head->values_of("Sec-WebSocket-Version") == std::vector<std::string>{"13"});
  const auto keys = head->values_of("Sec-WebSocket-Key");
  WSPUSH_CHECK(keys.size() == 1 && is_key(keys[0]));
  WSPUSH_CHECK(head->values_of("Transfer-Encoding").empty());
  WSPUSH_CHECK(head->values_of("Host").size() == 1);
  WSPUSH_CHECK(head->values_of("Origin").size() <= 1);
  const auto offered = plain_elements(head->values_of("Sec-WebSocket-Protocol"));
  WSPUSH_CHECK(std::set<std::string>(offered.begin(), offered.end()).size() == offered.size());

  websocket::UpgradeRequest asked;
  asked.key = keys[0];
  asked.subprotocols = offered;
  const std::size_t end = sent.find("\r\n\r\n");
  WSPUSH_CHECK(end != ByteView::npos);
  std::string answer(sent.substr(0, end + 4));
  const auto offers = plain_elements(head->values_of("Sec-WebSocket-Extensions"));
  if (const std::size_t line = answer.find("\r\nSec-WebSocket-Extensions: "); line != answer.npos) {
    WSPUSH_CHECK(std::any_of(offers.begin(), offers.end(), [](const std::string& offer) {
      return offer.starts_with("permessage-deflate");
    }));
    // Our own client asks for no extension.
    answer.erase(line, answer.find("\r\n", line + 2) - line);
  }
  const auto response = websocket::check_upgrade_response(answer, asked);
  WSPUSH_CHECK(response.has_value());
  if (!response->subprotocol.empty()) {
    WSPUSH_CHECK(std::find(offered.begin(), offered.end(), response->subprotocol) != offered.end());
  }
}

void check_whole(ByteView input) {
  const auto config = door_config(false);
  // A request chooses by its length, so that it stays plain text.
  config->compression = {.enabled = input.size() % 4 != 0,
                         .min_bytes = 1,
                         .context_takeover = input.size() % 2 != 0,
                         .window_bits = input.size() % 4 == 2 ? 9 : 15};
  DoorWorld world(config);
  FuzzConnection& connection = world.connection();
  world.start_http();
  connection.receive(input);
  world.turn();
  WSPUSH_CHECK(!connection.has_unsent());
  ByteView sent = connection.sent();
  const ByteView all = sent;
  if (const auto upgrade = check_responses(sent, false)) {
    WSPUSH_CHECK(config->compression.enabled || !upgrade->deflate);
    // With requests before it on the connection: those were answered, the last one upgraded.
    if (all.starts_with("HTTP/1.1 101 ")) {
      check_accepted(input, all);
    }
    check_server_frames(sent, false, *upgrade);
  }
}

/// The functions of header values, on each line of the input.
void check_values(ByteView input) {
  std::vector<ByteView> values;
  std::vector<std::string> copies;
  Draw draw(input);
  while (!draw.is_empty() && values.size() < 200) {
    values.push_back(draw.until('\n'));
    copies.emplace_back(values.back());
    const ByteView value = values.back();
    const auto wanted = plain_elements({copies.back()});
    std::vector<std::string> got;
    ByteView rest = value;
    ByteView element;
    while (websocket::take_list_element(rest, element)) {
      WSPUSH_CHECK(!element.empty());
      got.emplace_back(element);
    }
    WSPUSH_CHECK(got == wanted && rest.empty());
    std::vector<std::string> by_http;
    http::for_each_list_element(value, [&](std::string_view each) { by_http.emplace_back(each); });
    WSPUSH_CHECK(by_http == wanted);
    WSPUSH_CHECK(websocket::is_token(value) == plain_is_token(value));
    WSPUSH_CHECK(http::is_token(value) == plain_is_token(value));
    WSPUSH_CHECK(websocket::list_contains_token(value, "upgrade") ==
                 std::any_of(wanted.begin(), wanted.end(), [](const std::string& each) {
                   return PlainHead::lower(each) == "upgrade";
                 }));
    WSPUSH_CHECK(websocket::is_valid_key(value) == is_key(copies.back()));
  }
  const auto elements = plain_elements(copies);
  const bool is_well_formed =
      (values.empty() || !elements.empty()) && elements.size() <= websocket::kSubprotocolsMax &&
      std::all_of(elements.begin(), elements.end(),
                  [](const std::string& each) { return plain_is_token(each); }) &&
      std::set<std::string>(elements.begin(), elements.end()).size() == elements.size();
  const auto parsed = websocket::parse_subprotocols(values);
  WSPUSH_CHECK(parsed.has_value() == is_well_formed);
  if (parsed) {
    WSPUSH_CHECK(std::equal(parsed->begin(), parsed->end(), elements.begin(), elements.end()));
    const std::vector<std::string> supported = {"two", "one"};
    const auto chosen = websocket::choose_subprotocol(*parsed, supported);
    const auto wanted = std::find_if(elements.begin(), elements.end(), [](const std::string& each) {
      return each == "one" || each == "two";
    });
    WSPUSH_CHECK(chosen.has_value() == (wanted != elements.end()));
    WSPUSH_CHECK(!chosen || *chosen == *wanted);
  }
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 8'000) {
    return;
  }
  check_whole(input);
  check_values(input);
}

}  // namespace wspush::fuzz
