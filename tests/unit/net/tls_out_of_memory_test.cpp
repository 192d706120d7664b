// What a TLS stream promises where memory runs out: `read` throws and the stream is over, nothing
// else throws, nothing is given to the caller that is not the peer's, nothing leaks.
#include <cerrno>
#include <functional>
#include <new>
#include <string>

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "unit/failing_allocations.hpp"
#include "unit/net/tls_pair.hpp"

namespace wspush::net {
namespace {

using test::FailingAllocation;
using test::live_allocations;
using test::SafeAllocations;

/// Both ends over a socket, with a handshake behind them unless told.
struct Ends {
  Ends(TlsPair& pair, bool shakes_hands = true)
      : sockets(unix_pair()),
        server(pair.serve(sockets.ours.get())),
        client(pair.dial(sockets.theirs.get())) {
    if (shakes_hands) {
      EXPECT_EQ(TlsPair::shake_hands(*client, *server).status, IoStatus::kOk);
      std::array<char, 64> buffer{};
      EXPECT_EQ(server->read(buffer).status, IoStatus::kWouldBlock);
      EXPECT_EQ(client->read(buffer).status, IoStatus::kWouldBlock);
    }
  }

  static IoResult write(TlsStream& stream, ByteView text) {
    const iovec piece{const_cast<char*>(text.data()), text.size()};
    return stream.write({&piece, 1});
  }
  /// It was over before, and stays so.
  static void expect_over(TlsStream& stream) {
    std::array<char, 64> buffer{};
    EXPECT_EQ(stream.read(buffer).status, IoStatus::kError);
    EXPECT_EQ(write(stream, "x").status, IoStatus::kError);
    EXPECT_EQ(stream.flush().status, IoStatus::kError);
  }

  SocketPair sockets;
  std::unique_ptr<TlsStream> server;
  std::unique_ptr<TlsStream> client;
};

class TlsOutOfMemory : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    SSL_CTX_set_max_proto_version(pair_.client_context.get(), GetParam());
    const Ends first(pair_);  // What is made once, and kept, is made here.
  }
  /// Behind the handshake of 1.3 records are made without OpenSSL, whose memory never fails here.
  static bool is_ours() { return GetParam() == TLS1_3_VERSION; }
  /// `attempt` with each of its allocations failing; it tells the failing how far it has come.
  void with_each_failing(
      const std::function<void(Ends&, std::uint64_t nth, bool& has_failed)>& attempt,
      int failures_min, bool shakes_hands = true) {
    int failures = 0;
    bool has_failed = true;
    for (std::uint64_t nth = 1; has_failed && !HasFailure(); ++nth) {
      SCOPED_TRACE("allocation " + std::to_string(nth));
      const std::int64_t before = live_allocations();
      {
        Ends ends(pair_, shakes_hands);
        attempt(ends, nth, has_failed);
        failures += has_failed ? 1 : 0;
      }
      // The workspaces keep what they have grown to, and what their last failure was.
      EXPECT_LE(live_allocations(), before + 4);
    }
    EXPECT_GE(failures, failures_min);
  }

  TlsPair pair_;
};

INSTANTIATE_TEST_SUITE_P(, TlsOutOfMemory, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) {
                           return version.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

TEST_P(TlsOutOfMemory, AReadThatItMeetsThrowsAndEndsTheStream) {
  const std::string text(20'000, 'x');
  with_each_failing(
      [&](Ends& ends, std::uint64_t nth, bool& has_failed) {
        ASSERT_EQ(Ends::write(*ends.client, text).bytes, text.size());
        std::string got;
        got.reserve(text.size());
        std::array<char, 999> buffer{};  // Much stays in the stream each time.
        has_failed = false;
        bool has_thrown = false;
        {
          const FailingAllocation failing(nth);
          try {
            for (int round = 0; round < 100 && got.size() < text.size(); ++round) {
              const IoResult result = ends.server->read(buffer);
              got.append(buffer.data(), result.bytes);
            }
          } catch (const std::bad_alloc&) {
            has_thrown = true;
          }
          has_failed = failing.has_failed();
        }
        EXPECT_EQ(got, text.substr(0, got.size()));
        if (has_thrown) {
          Ends::expect_over(*ends.server);
        } else if (!has_failed) {
          EXPECT_EQ(got.size(), text.size());
        }
      },
      is_ours() ? 1 : 0);
}

TEST_P(TlsOutOfMemory, AHandshakeThatItMeetsFailsOrGoesOn) {
  with_each_failing(
      [](Ends& ends, std::uint64_t nth, bool& has_failed) {
        std::array<char, 64> buffer{};
        bool has_thrown = false;
        has_failed = false;
        const FailingAllocation failing(nth);
        for (int round = 0; round < 20 && !has_thrown; ++round) {
          {
            const SafeAllocations safe;
            static_cast<void>(ends.client->handshake());
          }
          try {
            if (ends.server->read(buffer).status == IoStatus::kError) {
              break;
            }
          } catch (const std::bad_alloc&) {
            has_thrown = true;
          }
        }
        has_failed = failing.has_failed();
        if (has_thrown) {
          Ends::expect_over(*ends.server);
        } else if (!has_failed) {
          EXPECT_EQ(Ends::write(*ends.client, "x").bytes, 1U);
          EXPECT_EQ(ends.server->read(buffer).bytes, 1U);
        }
      },
      is_ours() ? 1 : 0, false);
}

TEST_P(TlsOutOfMemory, AWriteNeverThrows) {
  const std::string text(300'000, 'y');
  with_each_failing(
      [&](Ends& ends, std::uint64_t nth, bool& has_failed) {
        IoResult result;
        {
          const FailingAllocation failing(nth);
          EXPECT_NO_THROW(result = Ends::write(*ends.server, text));
          has_failed = failing.has_failed();
        }
        if (result.status == IoStatus::kError) {
          Ends::expect_over(*ends.server);
        } else {
          EXPECT_GT(result.bytes, 0U);
        }
      },
      1);
}

}  // namespace
}  // namespace wspush::net
