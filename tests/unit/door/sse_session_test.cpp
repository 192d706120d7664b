#include "door/sse_session.hpp"

#include <charconv>

#include <gmock/gmock.h>

#include "unit/door/event_stream.hpp"
#include "unit/door/request_rig.hpp"

namespace wspush::door::test {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr ByteView kLastChunk = "0\r\n\r\n";

/// The text in chunks, each of them whole; the last chunk ends it and nothing follows.
std::string text_in(ByteView chunks) {
  std::string text;
  while (!chunks.empty()) {
    std::size_t size = 0;
    const auto end = std::from_chars(chunks.data(), chunks.data() + chunks.size(), size, 16).ptr;
    chunks.remove_prefix(static_cast<std::size_t>(end - chunks.data()));
    EXPECT_TRUE(chunks.starts_with("\r\n"));
    EXPECT_EQ(chunks.substr(std::min(chunks.size(), 2 + size), 2), "\r\n");
    EXPECT_TRUE(size > 0 || chunks.size() == 4);
    text.append(chunks.substr(2, size));
    chunks.remove_prefix(std::min(chunks.size(), size + 4));
  }
  return text;
}

class Sse : public RequestRig {
 protected:
  void open(const std::string& target, const std::string& lines = {},
            const std::string& version = "HTTP/1.1") {
    if (context_ == nullptr) {
      start();
    }
    request(target, "Accept: text/event-stream\r\n" + lines, "GET", version);
    for (int i = 0; i < 10 && session_ == nullptr; ++i) {
      turn();
    }
    ASSERT_TRUE(session_ != nullptr);
    rest();
  }
  /// What was sent since the last call, as a client sees it.
  EventStream said() { return read_stream(text_in(std::exchange(connection_.sent, {}))); }
  /// One `type|id|data` for each event, ids without their epoch.
  std::vector<std::string> events() {
    std::vector<std::string> lines;
    for (const StreamEvent& event : said().events) {
      lines.push_back(event.type + "|" +
                      event.id.substr(std::min<std::size_t>(8, event.id.size())) + "|" +
                      event.data);
    }
    return lines;
  }
  void deadline(Duration time) {
    pass(time);
    session_->on_deadline(now_);
  }
};

TEST_F(Sse, HasTheHeadOfAnEventStream) {
  open("/topics/open.a", "Origin: http://push.test\r\n");
  EXPECT_EQ(status(), 200);
  EXPECT_EQ(exchange_->answer->content_type, "text/event-stream");
  EXPECT_EQ(exchange_->header("Cache-Control"), "no-cache");
  EXPECT_EQ(exchange_->header("X-Accel-Buffering"), "no");
  EXPECT_EQ(exchange_->header("Vary"), "Origin");
  EXPECT_EQ(exchange_->header("Access-Control-Allow-Origin"), "http://push.test");
  EXPECT_EQ(session_->kind(), DoorKind::kSse);
}

TEST_F(Sse, BeginsWithRetryAndThePlaceToComeBackTo) {
  start();
  publish("open.a", "before");
  open("/topics/open.a");
  const EventStream stream = said();
  EXPECT_THAT(stream.events, IsEmpty());
  EXPECT_GE(std::stoi(stream.retry), 1000);
  EXPECT_LE(std::stoi(stream.retry), 3000);
  EXPECT_TRUE(stream.last_id.ends_with("-1")) << stream.last_id;
  EXPECT_EQ(stream.rest, "");
}

TEST_F(Sse, EachMessageIsAnEvent) {
  open("/topics/open.a");
  said();
  publish("open.a", "text");
  publish("open.a", "two\nlines\r\nthree");
  publish("open.a", R"({"a":1})", hub::PayloadKind::kJson);
  publish("open.a", ByteView("\0\xff", 2), hub::PayloadKind::kBinary);
  publish("open.a", "");
  rest();
  EXPECT_THAT(events(), ElementsAre("|-1|text", "|-2|two\nlines\nthree", "|-3|{\"a\":1}",
                                    "|-4|AP8=", "|-5|"));
}

TEST_F(Sse, ToHttp10ItIsPlainTextThatEndsWithTheConnection) {
  open("/topics/open.a", {}, "HTTP/1.0");
  publish("open.a", "text");
  rest();
  const EventStream stream = read_stream(connection_.sent);
  ASSERT_EQ(stream.events.size(), 1U);
  EXPECT_EQ(stream.events[0].data, "text");
  connection_.sent.clear();
  session_->end(EndReason::kTerminated);
  EXPECT_EQ(connection_.sent, "");
  EXPECT_TRUE(connection_.is_closing);
}

TEST_F(Sse, GoesOnAfterTheIdOfTheHeaderWhichIsNewerThanThatOfTheAddress) {
  start();
  for (const char* payload : {"1", "2", "3", "4"}) {
    publish("open.a", payload);
  }
  request("/topics/open.a");  // A poll tells the position.
  const std::string epoch = exchange_->header("Wspush-Last").substr(0, 8);
  open("/topics/open.a?after=" + epoch + "-1", "Last-Event-ID: " + epoch + "-2\r\n");
  EXPECT_THAT(events(), ElementsAre("|-3|3", "|-4|4"));
  hubs_[0]->remove_subscriber(connection_.handle().slot);
  open("/topics/open.a?after=" + epoch + "-1", "Last-Event-ID:\r\n");
  EXPECT_EQ(events().size(), 3U);
  hubs_[0]->remove_subscriber(connection_.handle().slot);
  open("/topics/open.a?after=first");
  EXPECT_EQ(events().size(), 4U);
}

TEST_F(Sse, AHoleAtTheBeginningIsAGapBeforeWhatIsKept) {
  config_->topics[0].history.messages = 2;
  start();
  for (const char* payload : {"1", "2", "3", "4"}) {
    publish("open.a", payload);
  }
  open("/topics/open.a?after=0000002a-9");
  const std::vector<StreamEvent> all = said().events;
  ASSERT_EQ(all.size(), 3U);
  const std::string epoch = all[1].id.substr(0, 8);
  EXPECT_EQ(all[0].type, "gap");
  EXPECT_EQ(all[0].id, epoch + "-2");
  EXPECT_EQ(all[0].data, R"({"topic":"open.a","after":"0000002a-9","next":")" + epoch + R"(-3"})");
  EXPECT_EQ(all[1].data, "3");
  EXPECT_EQ(all[1].type, "");
  EXPECT_EQ(all[2].data, "4");
}

TEST_F(Sse, ANewEpochIsAGapWhereverItIs) {
  open("/topics/open.a");
  said();
  publish("open.a", "old");
  hubs_[0]->clear("open.a", {});
  publish("open.a", "new");
  rest();
  const std::vector<StreamEvent> all = said().events;
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[1].type, "gap");
  EXPECT_EQ(all[1].id.substr(8), "-0");
  EXPECT_EQ(all[2].id, all[1].id.substr(0, 8) + "-1");
  // Who comes back right after the gap is not told of it again.
  hubs_[0]->remove_subscriber(connection_.handle().slot);
  open("/topics/open.a", "Last-Event-ID: " + all[1].id + "\r\n");
  EXPECT_THAT(events(), ElementsAre("|-1|new"));
}

TEST_F(Sse, SeveralTopicsAreOneStreamWithThePlaceInAllOfThem) {
  start(2);
  open("/topics?topic=open.a&topic=own.*");
  const std::string begin = said().last_id;
  EXPECT_TRUE(begin.starts_with('p')) << begin;
  publish("open.a", "1");
  publish("own.b", "two\nlines");
  publish("open.c", "not asked for");
  rest();
  rest();
  const std::vector<StreamEvent> all = said().events;
  ASSERT_EQ(all.size(), 2U);
  std::string last;
  for (const StreamEvent& event : all) {
    EXPECT_EQ(event.data, event.type == "open.a" ? "1" : "two\nlines");
    EXPECT_TRUE(event.id.starts_with('p'));
    EXPECT_NE(event.id, last);
    last = event.id;
  }
  EXPECT_NE(all[0].type, all[1].type);

  // A topic that begins anew is a gap of its own.
  hubs_[0]->clear("open.a", {});
  rest();
  rest();
  const std::vector<StreamEvent> gaps = said().events;
  ASSERT_EQ(gaps.size(), 1U);
  EXPECT_EQ(gaps[0].type, "gap");
  EXPECT_TRUE(gaps[0].data.starts_with(R"({"topic":"open.a","after":")")) << gaps[0].data;
}

TEST_F(Sse, SaysAWordAfterSilenceAndNoneWhereThereIsTraffic) {
  open("/topics/open.a");
  said();
  const TimePoint first = connection_.deadline();
  EXPECT_LE(first, now_ + seconds(50));
  deadline(first - now_);
  EXPECT_EQ(said().comments, 1);  // The first look spreads them.
  connection_.sent_at = now_;
  deadline(seconds(50));
  EXPECT_EQ(said().comments, 1);
  connection_.sent_at = now_;
  // A message in between puts it off, without anything being done for it.
  pass(seconds(20));
  publish("open.a", "x");
  rest();
  deadline(seconds(30));
  EXPECT_EQ(said().comments, 0);
  EXPECT_EQ(connection_.deadline(), now_ + seconds(20));
  // The socket takes nothing: there is something to send already.
  connection_.blocked = true;
  deadline(seconds(50));
  EXPECT_EQ(said().comments, 0);
}

TEST_F(Sse, WhatTheClientSaysIsThrownAwayAndItsEndIsTheEnd) {
  open("/topics/open.a");
  std::string input = "GET / HTTP/1.1\r\n\r\n";
  EXPECT_EQ(session_->on_input({input.data(), input.size()}), input.size());
  EXPECT_FALSE(connection_.is_closing);
  session_->on_input_end();
  EXPECT_TRUE(connection_.is_closing);
}

TEST_F(Sse, ADrainSendsWhatWasPublishedBeforeAndThenTheLastChunk) {
  open("/topics/open.a");
  said();
  publish("open.a", "before");
  session_->end(EndReason::kGoingAway);
  EXPECT_TRUE(connection_.wants_drained);
  EXPECT_FALSE(connection_.is_closing);
  rest();
  session_->on_drained();
  EXPECT_TRUE(connection_.is_closing);
  EXPECT_TRUE(connection_.lingers);
  EXPECT_TRUE(connection_.sent.ends_with(kLastChunk));
  EXPECT_THAT(events(), ElementsAre("|-1|before"));
}

TEST_F(Sse, OneThatDoesNotReadIsLeftBehindByADrain) {
  open("/topics/open.a");
  session_->end(EndReason::kGoingAway);
  EXPECT_EQ(connection_.deadline(), now_ + seconds(5));
  deadline(seconds(5));
  EXPECT_TRUE(connection_.is_closing);
}

TEST_F(Sse, EndsOnceForWhateverReason) {
  for (const EndReason reason : {EndReason::kTerminated, EndReason::kTooSlow,
                                 EndReason::kInternalError, EndReason::kOverload}) {
    connection_.is_closing = false;
    session_.reset();
    open("/topics/open.a");
    connection_.sent.clear();
    session_->end(reason);
    EXPECT_EQ(connection_.sent, kLastChunk);
    EXPECT_TRUE(connection_.is_closing);
    session_->end(EndReason::kTooSlow);
    EXPECT_EQ(connection_.sent, kLastChunk);
    hubs_[0]->remove_subscriber(connection_.handle().slot);
  }
}

TEST_F(Sse, AWithdrawnRightEndsIt) {
  open("/topics/open.a");
  config_->topics[0].subscribe = config::Permission::kNobody;
  hubs_[0]->set_rules(*rules_);
  EXPECT_TRUE(connection_.is_closing);
}

}  // namespace
}  // namespace wspush::door::test
