#include "http/request_target.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace wspush::http {
namespace {

using Strings = std::vector<std::string>;
using Views = std::vector<std::string_view>;

RequestTarget parsed(std::string_view target, std::string_view method = "GET") {
  auto result = RequestTarget::parse(method, target);
  EXPECT_TRUE(result.has_value()) << target;
  return result ? *std::move(result) : RequestTarget();
}

Strings segments_of(std::string_view target) {
  const RequestTarget result = parsed(target);
  return {result.segments().begin(), result.segments().end()};
}

TEST(RequestTarget, DecodesEachSegmentByItself) {
  EXPECT_EQ(segments_of("/"), Strings{});
  EXPECT_EQ(segments_of("/ws"), Strings{"ws"});
  EXPECT_EQ(segments_of("/topics/a%20b"), (Strings{"topics", "a b"}));
  EXPECT_EQ(segments_of("/topics/a%2Fb/c"), (Strings{"topics", "a/b", "c"}));
  EXPECT_EQ(segments_of("/topics/"), (Strings{"topics", ""}));
  EXPECT_EQ(segments_of("//a//b"), (Strings{"", "a", "", "b"}));
  EXPECT_EQ(segments_of("/a+b"), Strings{"a+b"});
  EXPECT_EQ(segments_of("/%C3%A9%00?x=/y"), (Strings{std::string("\xc3\xa9\0", 3)}));
  EXPECT_EQ(segments_of("/a/../b/."), (Strings{"a", "..", "b", "."}));
}

TEST(RequestTarget, KeepsPathAndQueryAsSent) {
  const RequestTarget target = parsed("/a%20b/c?x=%31?y");
  EXPECT_EQ(target.path(), "/a%20b/c");
  EXPECT_EQ(target.query(), "x=%31?y");
  EXPECT_FALSE(target.is_asterisk());
  EXPECT_EQ(parsed("/a?").query(), "");
}

TEST(RequestTarget, ReadsParametersInOrder) {
  const RequestTarget target = parsed("/t?topic=a&after=1-2&topic=b%26c&flag&empty=&&eq=a=b&=x");
  EXPECT_EQ(target.find("topic"), "a");
  EXPECT_EQ(target.all("topic"), (Views{"a", "b&c"}));
  EXPECT_EQ(target.find("flag"), "");
  EXPECT_EQ(target.find("empty"), "");
  EXPECT_EQ(target.find("eq"), "a=b");
  EXPECT_EQ(target.find(""), "x");
  EXPECT_EQ(target.find("Topic"), std::nullopt);
  EXPECT_EQ(target.all("none"), Views{});
  EXPECT_EQ(target.parameters().size(), 7U);
}

TEST(RequestTarget, TakesAPlusAsASpaceInTheQuery) {
  const RequestTarget target = parsed("/t?a+b=c+d%2Be");
  EXPECT_EQ(target.find("a b"), "c d+e");
}

TEST(RequestTarget, KnowsItsForms) {
  EXPECT_TRUE(parsed("*", "OPTIONS").is_asterisk());
  EXPECT_TRUE(parsed("*", "OPTIONS").segments().empty());
  EXPECT_EQ(parsed("http://host:80/a?b").path(), "/a");
  EXPECT_EQ(parsed("http://host:80/a?b").query(), "b");
  EXPECT_EQ(parsed("HTTP://host").path(), "/");
  EXPECT_EQ(parsed("https://host?q=1").path(), "/");
  EXPECT_EQ(parsed("https://host?q=1").find("q"), "1");
  const auto parts = split_target("GET", "https://[::1]:443/x");
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->form, TargetForm::kAbsolute);
  EXPECT_EQ(parts->authority, "[::1]:443");
}

HttpFault fault_of(std::string_view target, std::string_view method = "GET") {
  const auto result = RequestTarget::parse(method, target);
  EXPECT_FALSE(result.has_value()) << target;
  return result ? HttpFault::kBadStatusLine : result.error();
}

TEST(RequestTarget, RefusesWhatIsNoTarget) {
  EXPECT_EQ(fault_of(""), HttpFault::kBadTargetForm);
  EXPECT_EQ(fault_of("*"), HttpFault::kBadTargetForm);
  EXPECT_EQ(fault_of("a/b"), HttpFault::kBadTargetForm);
  EXPECT_EQ(fault_of("ws://a/"), HttpFault::kBadTargetForm);
  EXPECT_EQ(fault_of("http:"), HttpFault::kBadTargetForm);
  EXPECT_EQ(fault_of("http://"), HttpFault::kBadTarget);
  EXPECT_EQ(fault_of("http://u:p@a/"), HttpFault::kBadTarget);
  EXPECT_EQ(fault_of("/a#b"), HttpFault::kBadTarget);
  EXPECT_EQ(fault_of("/a b"), HttpFault::kBadTarget);
}

TEST(RequestTarget, RefusesABadEscapeInThePath) {
  for (const char* target : {"/%", "/a%2", "/%zz/b"}) {
    EXPECT_EQ(fault_of(target), HttpFault::kBadEscape) << target;
  }
}

TEST(RequestTarget, KeepsABadEscapeInTheQueryAsItWasSent) {
  const auto target = RequestTarget::parse("GET", "/a?x=%4&%gg=b&ok=%41");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->find("x"), "%4");
  EXPECT_EQ(target->find("%gg"), "b");
  EXPECT_EQ(target->find("ok"), "A");
}

std::string repeated(std::string_view piece, std::size_t count) {
  std::string text;
  for (; count > 0; --count) {
    text += piece;
  }
  return text;
}

TEST(RequestTarget, BoundsSegmentsAndParameters) {
  EXPECT_EQ(parsed(repeated("/a", kPathSegmentsMax)).segments().size(), kPathSegmentsMax);
  EXPECT_EQ(fault_of(repeated("/a", kPathSegmentsMax + 1)), HttpFault::kTooManySegments);
  EXPECT_EQ(fault_of(repeated("/", kPathSegmentsMax + 1)), HttpFault::kTooManySegments);
  EXPECT_EQ(parsed("/?" + repeated("a&", kQueryParametersMax)).parameters().size(),
            kQueryParametersMax);
  EXPECT_EQ(fault_of("/?" + repeated("a&", kQueryParametersMax + 1)),
            HttpFault::kTooManyParameters);
  EXPECT_TRUE(parsed("/?" + repeated("&", 5000)).parameters().empty());
}

}  // namespace
}  // namespace wspush::http
