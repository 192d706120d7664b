#include "door/deflating_stream.hpp"

#include <cerrno>
#include <fcntl.h>

#include "contract/byte_stream_contract.hpp"
#include "unit/door/fake_connection.hpp"
#include "websocket/frame_encoder.hpp"

namespace wspush::door::test {
namespace {

using net::IoResult;
using net::IoStatus;
using websocket::FrameError;
using websocket::Opcode;

/// The stream below: takes as much as it is told, in one call or in all, and can break.
class BelowStream final : public net::ByteStream {
 public:
  IoResult read(MutableBytes into) override {
    if (read_error != 0) {
      return {IoStatus::kError, 0, read_error};
    }
    if (unread.empty()) {
      return {IoStatus::kWouldBlock, 0, 0};
    }
    const std::size_t bytes = std::min(into.size(), unread.size());
    std::copy_n(unread.data(), bytes, into.data());
    unread.erase(0, bytes);
    return {IoStatus::kOk, bytes, 0};
  }
  bool has_unread() const override { return !unread.empty(); }
  IoResult write(std::span<const iovec> pieces) override {
    EXPECT_FALSE(has_unsent_of_its_own) << "asked to take more than it can";
    EXPECT_FALSE(is_ended);
    if (write_error != 0) {
      return {IoStatus::kError, 0, write_error};
    }
    std::size_t taken = 0;
    for (const iovec& piece : pieces) {
      const std::size_t bytes = std::min(piece.iov_len, room - taken);
      sent.append(static_cast<const char*>(piece.iov_base), bytes);
      taken += bytes;
    }
    room -= taken;
    ++writes;
    return {taken > 0 ? IoStatus::kOk : IoStatus::kWouldBlock, taken, 0};
  }
  bool has_unsent() const override { return has_unsent_of_its_own; }
  IoResult flush() override {
    return has_unsent_of_its_own ? IoResult{IoStatus::kWouldBlock, 0, 0} : IoResult{};
  }
  IoResult end_output() override {
    EXPECT_FALSE(is_ended) << "once is enough";
    is_ended = true;
    return {};
  }

  std::string sent;
  std::string unread;
  std::size_t room = SIZE_MAX;
  int writes = 0;
  int read_error = 0;
  int write_error = 0;
  bool has_unsent_of_its_own = false;
  bool is_ended = false;
};

std::string frame(Opcode opcode, ByteView payload) {
  std::string bytes;
  websocket::append_frame(bytes, opcode, payload);
  return bytes;
}

std::string words(std::size_t bytes, unsigned seed = 1) {
  std::string text;
  while (text.size() < bytes) {
    seed = seed * 1103515245 + 12345;
    text += "word" + std::to_string(seed >> 20) + " ";
  }
  text.resize(bytes);
  return text;
}

std::vector<iovec> cut(const std::string& text, std::size_t piece) {
  std::vector<iovec> pieces;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    pieces.push_back({const_cast<char*>(text.data()) + at, std::min(piece, text.size() - at)});
  }
  return pieces;
}

class DeflatingStreamTest : public ::testing::Test {
 protected:
  void SetUp() override { open(0); }

  void open(std::size_t bytes_before, int window_bits = 15) {
    auto below = std::make_unique<BelowStream>();
    below_ = below.get();
    stream_ = std::make_unique<DeflatingStream>(deflation_, window_bits);
    stream_->sit_on(std::move(below));
    stream_->begin_frames(bytes_before);
    inflater_ = std::make_unique<websocket::Inflater>(
        websocket::Inflater::Options{.window_bits = window_bits, .keeps_context = true});
  }

  IoResult write(const std::string& bytes, std::size_t piece = SIZE_MAX) {
    return stream_->write(cut(bytes, std::min(piece, bytes.size())));
  }

  /// The payloads that the client has, its window kept from one to the next; a control frame as
  /// `opcode payload`.
  std::vector<std::string> received() {
    std::vector<std::string> messages;
    for (const SentFrame& sent : frames_of(below_->sent)) {
      if (sent.opcode >= 8) {
        messages.push_back(std::to_string(sent.opcode) + " " + sent.payload);
      } else if (!sent.is_compressed) {
        messages.push_back(sent.payload);
      } else {
        websocket::ScratchBuffer scratch;
        EXPECT_EQ(inflater_->inflate(sent.payload,
                                     {.message_bytes_max = 8 << 20, .ratio_max = 2000}, scratch),
                  FrameError::kNone);
        messages.emplace_back(as_view(scratch.view()));
      }
    }
    return messages;
  }

  std::uint64_t counted(metrics::Metric metric) {
    metrics::Snapshot snapshot;
    metrics_.add_to(snapshot);
    return snapshot.value(metric);
  }

  metrics::ReactorMetrics metrics_;
  Deflation deflation_{{.min_bytes = 128}, metrics_};
  BelowStream* below_ = nullptr;
  std::unique_ptr<DeflatingStream> stream_;
  std::unique_ptr<websocket::Inflater> inflater_;
};

TEST_F(DeflatingStreamTest, AMessageRefersToThoseBefore) {
  const std::string text = words(1000);
  const std::string frames =
      frame(Opcode::kText, text) + frame(Opcode::kBinary, text) + frame(Opcode::kText, text + "!");
  ASSERT_EQ(write(frames).bytes, frames.size());
  const auto sent = frames_of(below_->sent);
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_TRUE(sent[0].is_compressed && sent[1].is_compressed && sent[2].is_compressed);
  EXPECT_EQ(sent[1].opcode, 2);
  EXPECT_GT(sent[0].payload.size(), 200U);
  EXPECT_LT(sent[1].payload.size(), 40U);
  EXPECT_LT(sent[2].payload.size(), 40U);
  EXPECT_EQ(received(), (std::vector<std::string>{text, text, text + "!"}));
  EXPECT_EQ(below_->writes, 1);
  EXPECT_EQ(counted(metrics::Metric::kDeflateInputBytes), 3001U);
}

TEST_F(DeflatingStreamTest, SmallMessagesAndControlFramesPassAndStayOutOfTheWindow) {
  const std::string small(127, 'x');
  const std::string control(125, 'y');
  const std::string frames = frame(Opcode::kText, small) + frame(Opcode::kPing, control) +
                             frame(Opcode::kText, "") + frame(Opcode::kText, words(300)) +
                             frame(Opcode::kPong, "") + frame(Opcode::kText, words(300)) +
                             frame(Opcode::kClose, "\x03\xe8");
  ASSERT_EQ(write(frames).bytes, frames.size());
  EXPECT_EQ(received(), (std::vector<std::string>{small, "9 " + control, "", words(300), "10 ",
                                                  words(300), "8 \x03\xe8"}));
  const auto sent = frames_of(below_->sent);
  EXPECT_TRUE(sent[3].is_compressed && sent[5].is_compressed);
  EXPECT_LT(sent[5].payload.size(), 20U);
}

TEST_F(DeflatingStreamTest, ControlFramesPassHoweverSmallAMessageMayBe) {
  Deflation deflation({.min_bytes = 0}, metrics_);
  auto below = std::make_unique<BelowStream>();
  below_ = below.get();
  stream_ = std::make_unique<DeflatingStream>(deflation, 15);
  stream_->sit_on(std::move(below));
  stream_->begin_frames(0);
  const std::string frames = frame(Opcode::kPing, std::string(125, 'y')) +
                             frame(Opcode::kText, "") + frame(Opcode::kText, "x") +
                             frame(Opcode::kPong, "") + frame(Opcode::kClose, "\x03\xe8");
  ASSERT_EQ(write(frames).bytes, frames.size());
  EXPECT_EQ(received(),
            (std::vector<std::string>{"9 " + std::string(125, 'y'), "", "x", "10 ", "8 \x03\xe8"}));
  for (const SentFrame& sent : frames_of(below_->sent)) {
    EXPECT_EQ(sent.is_compressed, sent.opcode < 8);
  }
  stream_.reset();
}

TEST_F(DeflatingStreamTest, WhatDoesNotShrinkIsCompressedAllTheSame) {
  std::string noise;
  for (unsigned i = 0, x = 1; i < 5000; ++i) {
    x = x * 1664525 + 1013904223;
    noise.push_back(static_cast<char>(x >> 24));
  }
  ASSERT_EQ(write(frame(Opcode::kBinary, noise) + frame(Opcode::kBinary, noise)).status,
            IoStatus::kOk);
  const auto sent = frames_of(below_->sent);
  EXPECT_TRUE(sent[0].is_compressed);
  EXPECT_GT(sent[0].payload.size(), noise.size());
  EXPECT_LT(sent[1].payload.size(), 100U);
  EXPECT_EQ(received(), (std::vector<std::string>{noise, noise}));
}

TEST_F(DeflatingStreamTest, EverySplitOfWhatIsOfferedGivesTheSame) {
  const std::string frames = frame(Opcode::kText, words(300)) + frame(Opcode::kPing, "p") +
                             frame(Opcode::kText, words(70'000)) + frame(Opcode::kText, "small");
  ASSERT_EQ(write(frames).bytes, frames.size());
  const std::string whole = below_->sent;
  for (const std::size_t piece : {1U, 2U, 3U, 5U, 9U, 11U, 127U, 4096U, 65'537U}) {
    open(0);
    ASSERT_EQ(write(frames, piece).bytes, frames.size());
    EXPECT_EQ(below_->sent, whole) << piece;
  }
}

TEST_F(DeflatingStreamTest, TakesWholeFramesOnly) {
  const std::string first = frame(Opcode::kText, words(200));
  const std::string second = frame(Opcode::kText, words(70'000));
  const std::string both = first + second;
  for (std::size_t bytes = first.size(); bytes < first.size() + 20; ++bytes) {
    open(0);
    ASSERT_EQ(write(both.substr(0, bytes)).bytes, first.size());
  }
  EXPECT_EQ(write(both.substr(first.size())).bytes, second.size());
  EXPECT_EQ(received(), (std::vector<std::string>{words(200), words(70'000)}));
}

TEST_F(DeflatingStreamTest, WhateverTheStreamBelowTakesAtOnceTheBytesAreTheSame) {
  std::string frames;
  for (unsigned i = 0; i < 6; ++i) {
    frames += frame(Opcode::kText, words(400, i % 2)) + frame(Opcode::kPing, "p");
  }
  ASSERT_EQ(write(frames).bytes, frames.size());
  const std::string whole = below_->sent;
  for (std::size_t step = 1; step <= whole.size(); ++step) {
    open(0);
    below_->room = step;
    std::size_t taken = write(frames).bytes;
    ASSERT_EQ(taken, frames.size()) << "all of it fits into what is made ahead";
    std::size_t sent = step;
    while (stream_->has_unsent()) {
      ASSERT_EQ(below_->sent.size(), sent);
      ASSERT_EQ(write(frame(Opcode::kPing, "too early")).status, IoStatus::kWouldBlock);
      ASSERT_EQ(stream_->flush().status, IoStatus::kWouldBlock);
      below_->room = step;
      ASSERT_EQ(stream_->flush().status, IoStatus::kOk);
      sent = std::min(sent + step, whole.size());
    }
    ASSERT_EQ(below_->sent, whole) << step;
  }
}

TEST_F(DeflatingStreamTest, AWriteSendsWhatIsUnsentFirst) {
  const std::string one = frame(Opcode::kText, words(200));
  const std::string two = frame(Opcode::kText, words(300));
  below_->room = 5;
  EXPECT_EQ(write(one).bytes, one.size());
  below_->room = SIZE_MAX;
  EXPECT_EQ(write(two).bytes, two.size());
  EXPECT_FALSE(stream_->has_unsent());
  EXPECT_EQ(received(), (std::vector<std::string>{words(200), words(300)}));
}

TEST_F(DeflatingStreamTest, CompressesLittleAheadOfAStreamThatTakesNothing) {
  std::string frames;
  std::vector<std::string> texts;
  for (unsigned i = 0; i < 600; ++i) {
    texts.push_back(words(1000, i));
    frames += frame(Opcode::kText, texts.back());
  }
  below_->room = 0;
  const std::size_t first = write(frames, 4096).bytes;
  EXPECT_GT(first, DeflatingStream::kAheadBytesMax);
  EXPECT_EQ(first % frame(Opcode::kText, texts[0]).size(), 0U);
  EXPECT_LT(counted(metrics::Metric::kDeflateOutputBytes),
            DeflatingStream::kAheadBytesMax + texts[0].size());
  EXPECT_EQ(write(frames.substr(first)).status, IoStatus::kWouldBlock);
  below_->room = SIZE_MAX;
  EXPECT_EQ(write(frames.substr(first)).bytes, frames.size() - first);
  EXPECT_EQ(received(), texts);
}

TEST_F(DeflatingStreamTest, OneLargeMessageIsTakenWhole) {
  const std::string text = words(3 << 20);
  below_->room = 1000;
  ASSERT_EQ(write(frame(Opcode::kText, text), 100'000).status, IoStatus::kOk);
  EXPECT_TRUE(stream_->has_unsent());
  below_->room = SIZE_MAX;
  EXPECT_EQ(stream_->flush().status, IoStatus::kOk);
  EXPECT_FALSE(stream_->has_unsent());
  EXPECT_EQ(received(), std::vector<std::string>{text});
}

TEST_F(DeflatingStreamTest, WhatIsQueuedBeforeTheFramesPassesAsItIs) {
  const std::string head = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
  const std::string text = words(500);
  for (std::size_t first = 1; first <= head.size(); ++first) {
    open(0);
    stream_->begin_frames(SIZE_MAX);
    ASSERT_EQ(write(head.substr(0, first)).bytes, first);
    stream_->begin_frames(head.size() - first);
    const std::string rest = head.substr(first) + frame(Opcode::kText, text);
    ASSERT_EQ(write(rest, 7).bytes, rest.size());
    ASSERT_EQ(below_->sent.substr(0, head.size()), head);
    below_->sent.erase(0, head.size());
    ASSERT_TRUE(frames_of(below_->sent).front().is_compressed);
    ASSERT_EQ(received(), std::vector<std::string>{text});
  }
}

TEST_F(DeflatingStreamTest, EveryWindowIsKept) {
  for (int bits = 8; bits <= 15; ++bits) {
    open(0, bits);
    std::vector<std::string> texts;
    for (unsigned i = 0; i < 20; ++i) {
      texts.push_back(words(3000, i % 3));
      ASSERT_EQ(write(frame(Opcode::kText, texts.back())).status, IoStatus::kOk);
    }
    EXPECT_EQ(received(), texts) << bits;
    if (bits == 15) {
      EXPECT_LT(below_->sent.size(), 7000U) << "three texts, and references to them";
    }
  }
}

TEST_F(DeflatingStreamTest, TakesNothingWhileTheStreamBelowHasUnsentBytes) {
  below_->has_unsent_of_its_own = true;
  EXPECT_TRUE(stream_->has_unsent());
  EXPECT_EQ(write(frame(Opcode::kText, words(200))).status, IoStatus::kWouldBlock);
  EXPECT_EQ(counted(metrics::Metric::kDeflateInputBytes), 0U);
  below_->has_unsent_of_its_own = false;
  EXPECT_EQ(write(frame(Opcode::kText, words(200))).status, IoStatus::kOk);
  EXPECT_EQ(received(), std::vector<std::string>{words(200)});
}

TEST_F(DeflatingStreamTest, TheEndIsToldBehindWhatIsUnsent) {
  below_->room = 10;
  write(frame(Opcode::kText, words(200)));
  stream_->end_output();
  EXPECT_FALSE(below_->is_ended);
  EXPECT_TRUE(stream_->has_unsent());
  below_->room = SIZE_MAX;
  EXPECT_EQ(stream_->flush().status, IoStatus::kOk);
  EXPECT_TRUE(below_->is_ended);
  EXPECT_EQ(stream_->end_output().status, IoStatus::kOk);
}

TEST_F(DeflatingStreamTest, ReadsWhatTheStreamBelowReads) {
  below_->unread = "input";
  std::array<char, 3> buffer{};
  EXPECT_EQ(stream_->read(buffer).bytes, 3U);
  EXPECT_TRUE(stream_->has_unread());
  EXPECT_EQ(stream_->read(buffer).bytes, 2U);
  EXPECT_FALSE(stream_->has_unread());
  EXPECT_EQ(stream_->read(buffer).status, IoStatus::kWouldBlock);
}

TEST_F(DeflatingStreamTest, AnErrorBelowIsTheEndOfIt) {
  const std::string text = frame(Opcode::kText, words(200));
  std::array<char, 8> buffer{};
  const auto expect_over = [&](int error) {
    EXPECT_FALSE(stream_->has_unsent());
    EXPECT_EQ(write(text).error, error);
    EXPECT_EQ(stream_->flush().error, error);
    EXPECT_EQ(stream_->end_output().error, error);
    EXPECT_EQ(below_->sent.size(), below_->writes > 0 ? 5U : 0U);
  };
  below_->write_error = EPIPE;  // in a write
  EXPECT_EQ(write(text).status, IoStatus::kError);
  below_->write_error = 0;
  expect_over(EPIPE);
  open(0);
  below_->room = 5;  // in a flush
  EXPECT_EQ(write(text).status, IoStatus::kOk);
  below_->write_error = ECONNRESET;
  EXPECT_EQ(stream_->flush().error, ECONNRESET);
  expect_over(ECONNRESET);
  open(0);
  below_->room = 5;  // in a read
  EXPECT_EQ(write(text).status, IoStatus::kOk);
  below_->read_error = EPROTO;
  EXPECT_EQ(stream_->read(buffer).error, EPROTO);
  expect_over(EPROTO);
}

// --- the contract of streams, for one that passes bytes as they are

/// A non-blocking socket as a stream.
class SocketEnd final : public net::ByteStream {
 public:
  explicit SocketEnd(int fd) : fd_(fd) {}

  IoResult read(MutableBytes into) override {
    return result_of(::recv(fd_, into.data(), into.size(), MSG_DONTWAIT), true);
  }
  bool has_unread() const override { return false; }
  IoResult write(std::span<const iovec> pieces) override {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces.data());
    message.msg_iovlen = pieces.size();
    return result_of(::sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL), false);
  }
  bool has_unsent() const override { return false; }
  IoResult flush() override { return {}; }
  IoResult end_output() override { return {}; }

 private:
  static IoResult result_of(ssize_t moved, bool ends) {
    if (moved < 0) {
      return errno == EAGAIN ? IoResult{IoStatus::kWouldBlock, 0, 0}
                             : IoResult{IoStatus::kError, 0, errno};
    }
    return {moved == 0 && ends ? IoStatus::kEnd : IoStatus::kOk, static_cast<std::size_t>(moved),
            0};
  }

  int fd_;
};

net::StreamEnds passing_ends() {
  struct Shared {
    metrics::ReactorMetrics metrics;
    Deflation deflation{{}, metrics};
  };
  const auto shared = std::make_shared<Shared>();
  net::StreamEnds ends;
  ends.shared = shared;
  int fds[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  std::unique_ptr<net::ByteStream>* streams[2] = {&ends.ours, &ends.theirs};
  for (int i = 0; i < 2; ++i) {
    ends.fds[i] = UniqueFd(fds[i]);
    auto stream = std::make_unique<DeflatingStream>(shared->deflation, 15);
    stream->sit_on(std::make_unique<SocketEnd>(fds[i]));
    *streams[i] = std::move(stream);
  }
  return ends;
}

}  // namespace
}  // namespace wspush::door::test

namespace wspush::net {

INSTANTIATE_TEST_SUITE_P(Deflating, ByteStreamContract,
                         ::testing::Values(StreamKind{
                             .name = "Passing",
                             .make = door::test::passing_ends,
                             .unsent_bytes_max = door::DeflatingStream::kAheadBytesMax}),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace wspush::net
