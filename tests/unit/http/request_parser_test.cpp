#include "http/request_parser.hpp"

#include <string>

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

#include "unit/http/parsed_head.hpp"

namespace wspush::http {
namespace {

constexpr std::string_view kUpgrade =
    "GET /topics/a%20b?after=1-2&x HTTP/1.1\r\n"
    "Host: push.example.com:8080\r\n"
    "Connection: keep-alive, Upgrade\r\n"
    "Upgrade:websocket\r\n"
    "Sec-WebSocket-Key:   dGhlIHNhbXBsZSBub25jZQ==\t \r\n"
    "X-Empty:\r\n"
    "X-Latin: caf\xe9  au lait\r\n"
    "\r\n";

TEST(RequestHeadParser, ReadsTheRequestLineAndTheHeaders) {
  ParsedHead head{std::string(kUpgrade)};
  ASSERT_TRUE(head.is_complete());
  EXPECT_EQ(head->method, "GET");
  EXPECT_EQ(head->target, "/topics/a%20b?after=1-2&x");
  EXPECT_EQ(head->version, Version::kHttp11);
  EXPECT_EQ(head->host, "push.example.com:8080");
  EXPECT_EQ(head->content_length, std::nullopt);
  EXPECT_FALSE(head->is_chunked);
  EXPECT_TRUE(head->keep_alive);
  EXPECT_FALSE(head->expects_continue);
  ASSERT_EQ(head->headers.size(), 6U);
  EXPECT_EQ(head->headers[2].name, "Upgrade");
  EXPECT_EQ(head->headers[2].value, "websocket");
  EXPECT_EQ(head->headers.find("sec-websocket-key"), "dGhlIHNhbXBsZSBub25jZQ==");
  EXPECT_EQ(head->headers.find("x-empty"), "");
  EXPECT_EQ(head->headers.find("x-latin"), "caf\xe9  au lait");
}

TEST(RequestHeadParser, FindsTheSameAtEverySplit) {
  for (const std::string_view text :
       {kUpgrade, std::string_view("\r\n\r\nPOST http://h:1/p?q HTTP/1.0\r\nContent-Length: 12\r\n"
                                   "Expect: 100-continue\r\nConnection: keep-alive\r\n\r\n")}) {
    const std::string whole = request_outcome(text);
    ASSERT_EQ(whole.substr(0, 8), "complete");
    for (std::size_t split = 0; split <= text.size(); ++split) {
      ASSERT_EQ(request_outcome_split(text, split), whole) << split;
    }
    EXPECT_EQ(request_outcome_bytewise(text), whole);
  }
}

TEST(RequestHeadParser, WantsMoreAtEveryPrefixOfAHead) {
  for (std::size_t bytes = 0; bytes < kUpgrade.size(); ++bytes) {
    ASSERT_EQ(request_outcome(kUpgrade.substr(0, bytes)), "need more") << bytes;
  }
}

TEST(RequestHeadParser, LeavesWhatComesBehindTheHead) {
  const std::string text = std::string(kUpgrade) + "\x81\x85 any bytes\n\n: \r";
  RequestHeadParser parser;
  ASSERT_EQ(parser.parse(text), HeadStatus::kComplete);
  EXPECT_EQ(parser.head_bytes(), kUpgrade.size());
  EXPECT_EQ(parser.bytes_examined(), kUpgrade.size());
}

TEST(RequestHeadParser, ReadsOneHeadAfterTheOther) {
  RequestHeadParser parser;
  std::string input = "GET /1 HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\nGET /2 HTTP/1.0\r\n\r\n";
  ASSERT_EQ(parser.parse(input), HeadStatus::kComplete);
  EXPECT_EQ(parser.head().target, "/1");
  input.erase(0, parser.head_bytes());
  parser.reset();
  EXPECT_FALSE(parser.has_started());
  ASSERT_EQ(parser.parse(input), HeadStatus::kComplete);
  EXPECT_EQ(describe_request(parser), "complete after 19: GET|/2|1.0||-|000");
}

TEST(RequestHeadParser, StartsAfterAnErrorAnewOnlyWhenReset) {
  RequestHeadParser parser;
  ASSERT_EQ(parser.parse("\n"), HeadStatus::kError);
  EXPECT_EQ(parser.parse("\nGET / HTTP/1.0\r\n\r\n"), HeadStatus::kError);
  parser.reset();
  EXPECT_EQ(parser.parse("GET / HTTP/1.0\r\n\r\n"), HeadStatus::kComplete);
}

TEST(RequestHeadParser, KnowsWhetherARequestHasBegun) {
  RequestHeadParser parser;
  EXPECT_FALSE(parser.has_started());
  ASSERT_EQ(parser.parse("\r\n\r"), HeadStatus::kNeedMore);
  EXPECT_FALSE(parser.has_started());
  ASSERT_EQ(parser.parse("\r\n\r\nG"), HeadStatus::kNeedMore);
  EXPECT_TRUE(parser.has_started());
}

TEST(RequestHeadParser, TakesAFewEmptyLinesBeforeTheRequest) {
  std::string lines;
  for (std::size_t count = 0; count <= kLeadingEmptyLinesMax; ++count) {
    EXPECT_EQ(request_outcome(lines + "GET / HTTP/1.0\r\n\r\n").substr(0, 8), "complete") << count;
    lines += "\r\n";
  }
  EXPECT_EQ(request_outcome(lines), "error 400 too many empty lines before the request");
}

TEST(RequestHeadParser, TellsAFaultAtItsByteAndNotLater) {
  EXPECT_EQ(request_outcome("GET / HTTP/1.1\r\nHost: a\r\nBad Name").substr(0, 9), "error 400");
  EXPECT_EQ(request_outcome("\x16\x03\x01"), "error 400 the method is not a token");
  EXPECT_EQ(request_outcome("GET / HTTP/2"), "error 505 only HTTP/1.0 and HTTP/1.1 are spoken");
}

// Bounds: each at, one below and one above.

std::string request_with_line_of(std::size_t bytes) {
  const std::string rest = "GET / HTTP/1.1";
  return "GET /" + std::string(bytes - rest.size(), 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

TEST(RequestHeadParser, BoundsTheRequestLine) {
  const HeadLimits limits{.request_line_bytes = 100};
  EXPECT_EQ(request_outcome(request_with_line_of(99), limits).substr(0, 8), "complete");
  EXPECT_EQ(request_outcome(request_with_line_of(100), limits).substr(0, 8), "complete");
  EXPECT_EQ(request_outcome(request_with_line_of(101), limits).substr(0, 9), "error 414");
  EXPECT_EQ(request_outcome(request_with_line_of(200), limits).substr(0, 9), "error 414");
  EXPECT_EQ(request_outcome(request_with_line_of(8192)).substr(0, 8), "complete");
  EXPECT_EQ(request_outcome(request_with_line_of(8193)).substr(0, 9), "error 414");
}

TEST(RequestHeadParser, DoesNotCountEmptyLinesAsRequestLine) {
  const HeadLimits limits{.request_line_bytes = 100};
  EXPECT_EQ(request_outcome("\r\n\r\n" + request_with_line_of(100), limits).substr(0, 8),
            "complete");
}

std::string request_of(std::size_t bytes) {
  const std::string rest = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n";
  std::string text = rest;
  return text.insert(text.size() - 4, std::string(bytes - rest.size(), 'a'));
}

TEST(RequestHeadParser, BoundsTheWholeHead) {
  const HeadLimits limits{.head_bytes = 300};
  EXPECT_EQ(request_outcome(request_of(299), limits).substr(0, 8), "complete");
  EXPECT_EQ(request_outcome(request_of(300), limits).substr(0, 8), "complete");
  EXPECT_EQ(request_outcome(request_of(301), limits), "error 431 the headers are too large");
  EXPECT_EQ(request_outcome_bytewise(request_of(301), limits),
            "error 431 the headers are too large");
  EXPECT_EQ(request_outcome(request_of(16384)).substr(0, 8), "complete");
  EXPECT_EQ(request_outcome(request_of(16385)).substr(0, 9), "error 431");
}

TEST(RequestHeadParser, NeverNeedsMoreBytesThanTheBound) {
  const HeadLimits limits{.head_bytes = 300};
  const std::string text = request_of(400);
  RequestHeadParser parser(limits);
  EXPECT_EQ(parser.parse(std::string_view(text).substr(0, 299)), HeadStatus::kNeedMore);
  EXPECT_EQ(parser.parse(std::string_view(text).substr(0, 300)), HeadStatus::kError);
}

TEST(RequestHeadParser, AnswersAHeadBoundThatTheRequestLineHitsWith414) {
  EXPECT_EQ(request_outcome(request_with_line_of(60), {.head_bytes = 50}).substr(0, 9),
            "error 414");
}

TEST(RequestHeadParser, BoundsTheNumberOfHeaders) {
  std::string text = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int line = 2; line <= 99; ++line) {
    text += "X: y\r\n";
  }
  EXPECT_EQ(request_outcome(text + "\r\n").substr(0, 8), "complete");
  EXPECT_EQ(request_outcome(text + "X: y\r\n\r\n").substr(0, 8), "complete");
  EXPECT_EQ(request_outcome(text + "X: y\r\nX: y\r\n\r\n"), "error 431 too many headers");
}

TEST(RequestHeadParser, BoundsTheMethod) {
  const std::string longest(kMethodBytesMax, 'M');
  EXPECT_EQ(request_outcome(longest + " / HTTP/1.0\r\n\r\n").substr(0, 8), "complete");
  EXPECT_EQ(request_outcome(longest + "M / HTTP/1.0\r\n\r\n").substr(0, 9), "error 501");
}

// The work for a head is its length, whatever the packets are.

TEST(RequestHeadParser, LooksAtEachByteOnce) {
  const HeadLimits limits{.head_bytes = std::size_t{4} << 20U};
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{65536}}) {
    const std::string text = request_of(std::size_t{1} << 20U);
    RequestHeadParser parser(limits);
    HeadStatus status = HeadStatus::kNeedMore;
    for (std::size_t bytes = 0; status == HeadStatus::kNeedMore && bytes < text.size();) {
      bytes = std::min(text.size(), bytes + step);
      status = parser.parse(std::string_view(text).substr(0, bytes));
    }
    EXPECT_EQ(status, HeadStatus::kComplete);
    EXPECT_EQ(parser.bytes_examined(), text.size());
  }
}

TEST(RequestHeadParser, LooksAtNothingWhenNothingIsNew) {
  RequestHeadParser parser;
  for (int call = 0; call < 1000; ++call) {
    ASSERT_EQ(parser.parse(kUpgrade.substr(0, 100)), HeadStatus::kNeedMore);
  }
  EXPECT_EQ(parser.bytes_examined(), 100U);
}

// Random damage: whatever a head is turned into, the outcome does not depend on how it is cut.

TEST(RequestHeadParser, FindsTheSameInADamagedHeadHoweverItIsCut) {
  constexpr std::uint64_t kSeed = 20240611;
  SplitMix64 random(kSeed);
  constexpr std::string_view kBytes("\r\n: \tA,;\0\x7f\x80/*?#0", 17);
  int complete = 0;
  int refused = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string text(kUpgrade);
    for (std::uint64_t damage = random.below(3); damage < 3; ++damage) {
      const auto at = static_cast<std::size_t>(random.below(text.size()));
      const char byte = kBytes[static_cast<std::size_t>(random.below(kBytes.size()))];
      switch (random.below(3)) {
        case 0:
          text[at] = byte;
          break;
        case 1:
          text.insert(at, 1, byte);
          break;
        default:
          text.erase(at, 1);
          break;
      }
    }
    const std::string whole = request_outcome(text);
    complete += whole.starts_with("complete") ? 1 : 0;
    refused += whole.starts_with("error") ? 1 : 0;
    RequestHeadParser parser;
    const std::string cut = outcome_in_pieces(
        parser, text, [&](std::size_t) { return static_cast<std::size_t>(random.below(20)) + 1; },
        describe_request);
    ASSERT_EQ(cut, whole) << "seed " << kSeed << " round " << round << "\n" << text;
    ASSERT_LE(parser.bytes_examined(), text.size());
  }
  EXPECT_GT(complete, 500);
  EXPECT_GT(refused, 500);
}

}  // namespace
}  // namespace wspush::http
