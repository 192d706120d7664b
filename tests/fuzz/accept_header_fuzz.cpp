#include <string>

#include "base/check.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/http_oracle.hpp"
#include "http/accept_header.hpp"
#include "metrics/accept_header.hpp"
#include "unit/http/parsed_head.hpp"

// Accept and Content-Type, as one line each, and Accept cut into two lines.
namespace wspush::fuzz {
namespace {

void check_content_type(ByteView value) {
  const std::string essence = http::media_type_essence(value);
  if (essence.empty()) {
    return;
  }
  const std::size_t slash = essence.find('/');
  WSPUSH_CHECK(slash != essence.npos && plain_is_token(essence.substr(0, slash)) &&
               plain_is_token(essence.substr(slash + 1)));
  WSPUSH_CHECK(essence == PlainHead::lower(essence));
  WSPUSH_CHECK(PlainHead::lower(value).find(essence) != std::string::npos);
  WSPUSH_CHECK(http::media_type_essence(essence) == essence);
}

void check_preference(ByteView value) {
  for (const std::string_view type : {"text/plain", "application/openmetrics-text"}) {
    const metrics::Preference preference = metrics::preference_for(value, type, "1.0.0");
    WSPUSH_CHECK(preference.quality >= 0 && preference.quality <= 1000);
    const std::string low = PlainHead::lower(value);
    WSPUSH_CHECK(!preference.is_named || low.find(type) != low.npos);
    WSPUSH_CHECK(preference.quality == 0 || low.find(type) != low.npos ||
                 low.find('*') != low.npos);
    // What cannot be read says nothing.
    const auto more = metrics::preference_for(std::string(value) + ",text/html;q=0.5", type, "1");
    WSPUSH_CHECK(more.quality <= 1000);
  }
}

void check_accept(ByteView value) {
  if (value.find_first_of("\r\n") != ByteView::npos) {
    return;  // The head could end inside of it.
  }
  const http::ParsedHead head("GET / HTTP/1.1\r\nHost: a\r\nAccept: " + std::string(value) +
                              "\r\n\r\n");
  if (!head.is_complete()) {
    return;
  }
  const std::string low = PlainHead::lower(value);
  for (const std::string_view type : {"text/html", "text/event-stream", "application/json"}) {
    const bool accepts = http::accepts(head->headers, type);
    const bool asks = http::asks_for(head->headers, type);
    WSPUSH_CHECK(!asks || (accepts && low.find(type) != low.npos));
    WSPUSH_CHECK(!accepts || low.find(type) != low.npos || low.find('*') != low.npos ||
                 low.find_first_not_of(", \t") == low.npos);
  }
  // Two lines mean the same as one with a comma, where no quote spans it.
  const std::size_t comma = value.find(',');
  if (comma == ByteView::npos || value.find('"') != ByteView::npos) {
    return;
  }
  const http::ParsedHead lines(
      "GET / HTTP/1.1\r\nHost: a\r\nAccept: " + std::string(value.substr(0, comma)) +
      "\r\nACCEPT: " + std::string(value.substr(comma + 1)) + "\r\n\r\n");
  WSPUSH_CHECK(lines.is_complete());
  for (const std::string_view type : {"text/html", "text/event-stream"}) {
    WSPUSH_CHECK(http::accepts(head->headers, type) == http::accepts(lines->headers, type));
    WSPUSH_CHECK(http::asks_for(head->headers, type) == http::asks_for(lines->headers, type));
  }
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 8'000) {
    return;
  }
  check_content_type(input);
  check_preference(input);
  check_accept(input);
}

}  // namespace wspush::fuzz
