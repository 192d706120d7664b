#include "net/proxy_protocol.hpp"

#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include "unit/net/test_sockets.hpp"

namespace wspush::net {
namespace {

using namespace std::string_literals;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

/// A version 2 header; `command` is byte 12, `family` byte 13.
std::string v2(int command, int family, const std::string& rest) {
  return kSignature + static_cast<char>(command) + static_cast<char>(family) +
         static_cast<char>(rest.size() >> 8) + static_cast<char>(rest.size() & 0xff) + rest;
}

const std::string kBlock4 = "\xc0\x00\x02\x01\xc6\x33\x64\x01\x30\x39\x01\xbb"s;
const std::string kBlock6 = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x07" +
                            std::string(15, '\0') + "\x01\x30\x39\x01\xbb"s;

/// What comes of `text`: "complete ADDRESS", "error" or "more"; tried whole, with every split, and
/// bytewise. `consumed` is what a complete header took.
std::string outcome(const std::string& text) {
  const auto run = [&](std::size_t first, std::size_t next) {
    ProxyHeaderParser parser;
    std::size_t at = 0;
    std::size_t piece = first;
    for (;;) {
      const std::size_t bytes = std::min(piece, text.size() - at);
      const auto step = parser.next(ByteView(text).substr(at, bytes));
      at += step.consumed;
      if (step.status == ProxyHeaderStatus::kError) {
        EXPECT_STRNE(parser.fault(), "");
        return "error"s;
      }
      if (step.status == ProxyHeaderStatus::kComplete) {
        return "complete " + std::to_string(at) + " " + parser.source().text();
      }
      EXPECT_EQ(step.consumed, bytes) << "it must take all that belongs to it";
      if (at == text.size()) {
        return "more"s;
      }
      piece = next;
    }
  };
  const std::string whole = run(text.size(), 1);
  EXPECT_EQ(run(1, 1), whole) << "bytewise";
  for (std::size_t split = 1; split < text.size(); ++split) {
    EXPECT_EQ(run(split, text.size()), whole) << "split at " << split;
  }
  return whole;
}

std::string complete(const std::string& text, std::string_view address) {
  return "complete " + std::to_string(text.size()) + " " + std::string(address);
}

TEST(ProxyProtocol, ReadsTheLineOfVersion1) {
  for (const auto& [line, source] : {
           std::pair("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"s, "192.0.2.1"),
           std::pair("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"s,
                     "255.255.255.255"),
           std::pair("PROXY TCP6 2001:db8::1 ::1 0 1\r\n"s, "2001:db8::1"),
           std::pair("PROXY TCP6 ffff:f:f:f:f:f:f:ffff ffff:f:f:f:f:f:f:ffff 65535 65535\r\n"s,
                     "ffff:f:f:f:f:f:f:ffff"),
       }) {
    EXPECT_EQ(outcome(line), complete(line, source)) << line;
  }
}

TEST(ProxyProtocol, TakesUnknownOfVersion1WithWhateverFollows) {
  for (const std::string& line : {"PROXY UNKNOWN\r\n"s, "PROXY UNKNOWN x y z\r\n"s,
                                  "PROXY UNKNOWN "s + std::string(107 - 16, 'x') + "\r\n"s}) {
    EXPECT_LE(line.size(), 107U);
    EXPECT_EQ(outcome(line), complete(line, "")) << line;
  }
}

TEST(ProxyProtocol, RefusesLinesThatAreNotExactlySo) {
  for (const std::string& line :
       {"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\n"s,
        "GET / HTTP/1.1\r\n"s,
        "proxy "s,
        "PROXY  TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"s,
        "PROXY\r\n"s,
        "PROXY \r\n"s,
        "PROXY TCP5 192.0.2.1 198.51.100.1 56324 443\r\n"s,
        "PROXY TCP4 192.0.2.1  198.51.100.1 56324 443\r\n"s,
        "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 \r\n"s,
        "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 1\r\n"s,
        "PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n"s,
        "PROXY TCP4\r\n"s,
        "PROXY TCP4 ::1 ::1 56324 443\r\n"s,
        "PROXY TCP6 192.0.2.1 192.0.2.1 56324 443\r\n"s,
        "PROXY TCP4 192.0.2.256 198.51.100.1 56324 443\r\n"s,
        "PROXY TCP4 192.0.2.1 198.51.100.1 65536 443\r\n"s,
        "PROXY TCP4 192.0.2.1 198.51.100.1 56324 99999999999999999999\r\n"s,
        "PROXY TCP4 192.0.2.1 198.51.100.1 0443 443\r\n"s,
        "PROXY TCP4 192.0.2.1 198.51.100.1 -1 443\r\n"s,
        "PROXY TCP4 192.0.2.1\r198.51.100.1 1 443\r\n"s,
        "PROXY UNKNOWN "s + std::string(107 - 15, 'x') + "\r\n"s,
        "PROXY "s + std::string(200, 'x'),
        "\x16\x03\x01"s,
        "\0"s}) {
    EXPECT_EQ(outcome(line), "error") << line;
  }
}

TEST(ProxyProtocol, ReadsTheAddressesOfVersion2) {
  const std::string four = v2(0x21, 0x11, kBlock4);
  EXPECT_EQ(outcome(four), complete(four, "192.0.2.1"));
  const std::string six = v2(0x21, 0x21, kBlock6);
  EXPECT_EQ(outcome(six), complete(six, "2001:db8::7"));
}

TEST(ProxyProtocol, PassesOverTypeLengthValues) {
  const std::string small = v2(0x21, 0x11, kBlock4 + "\x04\x00\x01x"s);
  EXPECT_EQ(outcome(small), complete(small, "192.0.2.1"));
  const std::string most = v2(0x21, 0x21, kBlock6 + std::string(4096 - 16 - 36, 'x'));
  EXPECT_EQ(most.size(), kProxyHeaderBytesMax);
  EXPECT_EQ(outcome(most), complete(most, "2001:db8::7"));
}

TEST(ProxyProtocol, RefusesAHeaderAboveItsBound) {
  EXPECT_EQ(outcome(v2(0x21, 0x11, kBlock4 + std::string(4097 - 16 - 12, 'x'))), "error");
  EXPECT_EQ(outcome(v2(0x20, 0x00, std::string(4097 - 16, 'x'))), "error");
}

TEST(ProxyProtocol, NamesNobodyWhereTheProxySpeaksForItself) {
  for (const std::string& text :
       {v2(0x20, 0x00, ""), v2(0x20, 0x11, kBlock4), v2(0x20, 0x11, "xy"), v2(0x20, 0xff, "x"),
        v2(0x21, 0x00, ""), v2(0x21, 0x00, "tlvs"), v2(0x21, 0x31, std::string(216, 'x')),
        v2(0x21, 0x12, kBlock4), v2(0x21, 0x22, kBlock6), v2(0x21, 0x10, kBlock4),
        v2(0x21, 0x21, std::string(36, '\0'))}) {
    EXPECT_EQ(outcome(text), complete(text, "")) << testing::PrintToString(text);
  }
}

TEST(ProxyProtocol, RefusesVersionsCommandsAndFamiliesThatNobodyKnows) {
  for (const std::string& text :
       {v2(0x11, 0x11, kBlock4), v2(0x31, 0x11, kBlock4), v2(0x22, 0x11, kBlock4),
        v2(0x2f, 0x11, kBlock4), v2(0x21, 0x41, kBlock4), v2(0x21, 0x13, kBlock4),
        v2(0x21, 0x11, kBlock4.substr(1)), v2(0x21, 0x21, kBlock4), v2(0x21, 0x11, ""),
        v2(0x21, 0x31, std::string(215, 'x')), "\r\n\r\n\0\r\nQUIX\n"s}) {
    EXPECT_EQ(outcome(text), "error") << testing::PrintToString(text);
  }
}

TEST(ProxyProtocol, EveryHeaderThatIsCutWantsMore) {
  for (const std::string& text : {"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"s,
                                  v2(0x21, 0x11, kBlock4 + "tlv"), v2(0x20, 0x00, "")}) {
    for (std::size_t bytes = 1; bytes < text.size(); ++bytes) {
      EXPECT_EQ(outcome(text.substr(0, bytes)), "more") << bytes;
    }
  }
}

TEST(ProxyProtocol, LeavesWhatFollowsTheHeader) {
  const std::string line = "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n";
  for (const std::string& behind :
       {"GET / HTTP/1.1\r\n\r\n"s, line, "\n"s, std::string(1000, 'x')}) {
    EXPECT_EQ(outcome(line + behind), complete(line, "192.0.2.1"));
    const std::string two = v2(0x21, 0x11, kBlock4 + "tlv");
    EXPECT_EQ(outcome(two + behind), complete(two, "192.0.2.1"));
  }
}

void send_all(const UniqueFd& fd, const std::string& text) {
  ASSERT_EQ(::send(fd.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
}

TEST(ReadProxyHeader, TakesTheHeaderAndNotAByteMore) {
  for (const std::string& header : {"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"s,
                                    v2(0x21, 0x11, kBlock4 + std::string(2000, 'x'))}) {
    const SocketPair pair = tcp_pair();
    send_all(pair.theirs, header + "behind");
    ProxyHeaderParser parser;
    ProxyRead read = ProxyRead::kNeedMore;
    while (read == ProxyRead::kNeedMore && await(pair.ours.get(), POLLIN)) {
      read = read_proxy_header(pair.ours.get(), parser);
    }
    EXPECT_EQ(read, ProxyRead::kComplete);
    EXPECT_EQ(parser.source().text(), "192.0.2.1");
    EXPECT_EQ(drain(pair.ours.get()), "behind");
  }
}

// A level-triggered loop would be woken for ever by a part that only was looked at.
TEST(ReadProxyHeader, LeavesTheSocketUnreadableWhileItWantsMore) {
  const SocketPair pair = tcp_pair();
  ProxyHeaderParser parser;
  EXPECT_EQ(read_proxy_header(pair.ours.get(), parser), ProxyRead::kNeedMore);
  for (const char byte : "PROXY UNKNOWN\r\n"s) {
    send_all(pair.theirs, std::string(1, byte));
    ASSERT_TRUE(await(pair.ours.get(), POLLIN));
    const ProxyRead read = read_proxy_header(pair.ours.get(), parser);
    EXPECT_EQ(read, byte == '\n' ? ProxyRead::kComplete : ProxyRead::kNeedMore);
    EXPECT_FALSE(is_readable_now(pair.ours.get()));
  }
}

TEST(ReadProxyHeader, TellsTheEndAndWhatIsNoHeader) {
  SocketPair ended = tcp_pair();
  send_all(ended.theirs, "PROXY ");
  ended.theirs.reset();
  ProxyHeaderParser parser;
  ASSERT_TRUE(await(ended.ours.get(), POLLIN));
  EXPECT_EQ(read_proxy_header(ended.ours.get(), parser), ProxyRead::kNeedMore);
  EXPECT_EQ(read_proxy_header(ended.ours.get(), parser), ProxyRead::kEnded);

  const SocketPair other = tcp_pair();
  send_all(other.theirs, "GET / HTTP/1.1\r\n");
  ASSERT_TRUE(await(other.ours.get(), POLLIN));
  ProxyHeaderParser refusing;
  EXPECT_EQ(read_proxy_header(other.ours.get(), refusing), ProxyRead::kMalformed);
}

}  // namespace
}  // namespace wspush::net
