#include "cli/sending_lines.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "http/chunked_body.hpp"

namespace wspush::cli {
namespace {

/// What a server reads of a request: its body as far as it came, and whether it ended.
struct Received {
  std::string body;
  bool has_ended = false;
};

Received receive(ByteView bytes) {
  const ByteView head = "HEAD\n";
  Received received;
  if (bytes.size() <= head.size()) {
    return received;
  }
  EXPECT_TRUE(bytes.starts_with(head));
  bytes.remove_prefix(head.size());
  http::ChunkedBody chunks;
  while (!bytes.empty()) {
    const http::BodyStep step = chunks.next(bytes);
    EXPECT_NE(step.status, http::BodyStatus::kError);
    received.body += step.piece;
    bytes.remove_prefix(step.consumed);
    if (step.status == http::BodyStatus::kEnd) {
      received.has_ended = true;
      EXPECT_TRUE(bytes.empty());
      break;
    }
  }
  return received;
}

std::string whole_lines(const std::string& text) {
  return text.substr(0, text.rfind('\n') + 1);
}

TEST(SendingLines, IsARequestInChunks) {
  SendingLines sending;
  sending.begin("HEAD\n");
  EXPECT_EQ(sending.next(), "HEAD\n");
  sending.sent(5);
  EXPECT_EQ(sending.next(), "");
  EXPECT_FALSE(sending.has_sent_lines());
  sending.append("one\ntwo\n");
  EXPECT_EQ(sending.next(), "8\r\none\ntwo\n\r\n");
  sending.sent(13);
  EXPECT_TRUE(sending.has_sent_lines());
  EXPECT_EQ(sending.waiting_bytes(), 0U);
  EXPECT_FALSE(sending.is_done());
  sending.end();
  EXPECT_EQ(sending.next(), "0\r\n\r\n");
  sending.sent(5);
  EXPECT_TRUE(sending.is_done());
  EXPECT_EQ(sending.next(), "");
}

// At every byte: lines that went out whole are not sent again, all others are, from their start.
TEST(SendingLines, BeginsWithTheLineThatWasCut) {
  const std::string lines = "a\nbcd\n\nefgh\n";
  std::string wire;
  {
    SendingLines sending;
    sending.begin("HEAD\n");
    sending.append(lines);
    wire = "HEAD\n";
    sending.sent(5);
    wire += sending.next();
  }
  for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
    SendingLines sending;
    sending.begin("HEAD\n");
    sending.append(lines);
    std::size_t left = cut;
    while (left > 0) {
      const std::size_t bytes = std::min(left, sending.next().size());
      sending.sent(bytes);
      left -= bytes;
    }
    const std::string arrived = whole_lines(receive(ByteView(wire).substr(0, cut)).body);
    sending.cut();
    EXPECT_EQ(sending.has_sent_lines(), !arrived.empty()) << cut;
    sending.begin("HEAD\n");
    EXPECT_EQ(sending.lines_before(),
              static_cast<std::uint64_t>(std::ranges::count(arrived, '\n')));
    std::string second;
    sending.end();
    while (!sending.next().empty()) {
      const std::string bytes(sending.next());
      second += bytes;
      sending.sent(bytes.size());
    }
    EXPECT_EQ(arrived + receive(second).body, lines) << cut;
    EXPECT_TRUE(receive(second).has_ended);
  }
}

TEST(SendingLines, LosesAndRepeatsNoLineWhateverIsCut) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    SendingLines sending;
    std::string fed;
    std::string arrived;
    std::string request;
    sending.begin("HEAD\n");
    for (int step = 0; step < 400; ++step) {
      switch (random() % 8) {
        case 0: {
          const std::size_t bytes = random() % 10 == 0 ? random() % 200000 : random() % 20;
          const std::string line = std::string(bytes, static_cast<char>('a' + step % 26)) + "\n";
          fed += line;
          sending.append(line);
          break;
        }
        case 1:
          if (random() % 4 == 0) {
            arrived += whole_lines(receive(request).body);
            request.clear();
            sending.cut();
            sending.begin("HEAD\n");
            ASSERT_EQ(sending.lines_before(),
                      static_cast<std::uint64_t>(std::ranges::count(arrived, '\n')));
          }
          break;
        default: {
          const ByteView next = sending.next();
          const std::size_t bytes = next.empty() ? 0 : random() % (next.size() + 1);
          request += next.substr(0, bytes);
          sending.sent(bytes);
        }
      }
    }
    sending.end();
    while (!sending.next().empty()) {
      const std::string bytes(sending.next());
      request += bytes;
      sending.sent(bytes.size());
    }
    ASSERT_TRUE(sending.is_done());
    ASSERT_EQ(sending.waiting_bytes(), 0U);
    ASSERT_TRUE(receive(request).has_ended);
    ASSERT_EQ(arrived + receive(request).body, fed) << "seed " << seed;
  }
}

}  // namespace
}  // namespace wspush::cli
