#include "load/nats.hpp"

#include <string>

#include <gtest/gtest.h>

namespace wspush::load {
namespace {

using Kind = NatsOperation::Kind;

TEST(Nats, TakesEachOperationAtEverySplit) {
  const std::string stream =
      "INFO {\"a\":1}\r\n+OK\r\nMSG t 1 5\r\na\r\nbc\r\nMSG t 1 reply 0\r\n\r\nPING\r\nPONG\r\n";
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    std::string kinds;
    std::string payloads;
    std::string unread;
    for (const std::string& part : {stream.substr(0, cut), stream.substr(cut)}) {
      unread += part;
      std::string_view left = unread;
      for (;;) {
        const NatsOperation operation = take_nats(left);
        if (operation.kind == Kind::kNeedMore) {
          break;
        }
        kinds += static_cast<char>('0' + static_cast<int>(operation.kind));
        payloads += operation.kind == Kind::kMessage ? operation.text : "";
      }
      unread = std::string(left);
    }
    ASSERT_EQ(kinds, "441123") << cut;
    ASSERT_EQ(payloads, "a\r\nbc");
    ASSERT_EQ(unread, "");
  }
}

TEST(Nats, RefusesWhatIsNoLineOfIt) {
  for (std::string_view bad : {"HELLO\r\n", "MSG t 1 x\r\n", "MSG t 1 99999999999\r\n",
                               "MSG t 1 1\r\nabc", "HTTP/1.1 400 Bad Request\r\n"}) {
    EXPECT_EQ(take_nats(bad).kind, Kind::kRefused) << bad;
  }
  const std::string endless(70000, 'a');
  std::string_view input = endless;
  EXPECT_EQ(take_nats(input).kind, Kind::kRefused);
  std::string_view error = "-ERR 'Authorization Violation'\r\n";
  EXPECT_EQ(take_nats(error).kind, Kind::kError);
}

TEST(Nats, SaysWhatAClientSays) {
  std::string out;
  append_nats_publish(out, "bench", "hello");
  EXPECT_EQ(out, "PUB bench 5\r\nhello\r\n");
  EXPECT_EQ(nats_subscribe("bench"), "SUB bench 1\r\n");
  EXPECT_EQ(nats_connect("").substr(0, 9), "CONNECT {");
  EXPECT_NE(nats_connect("s3cret").find(R"("auth_token":"s3cret"})"), std::string::npos);
}

}  // namespace
}  // namespace wspush::load
