#include <string>
#include <vector>

#include "base/check.hpp"
#include "fuzz/fuzz.hpp"
#include "http/body_reader.hpp"
#include "unit/http/parsed_head.hpp"

// Requests one behind the other on one connection, bodies and all: two parties that cut the stream
// at other places must read the same requests out of it. Whatever differs here can be smuggled.
namespace wspush::fuzz {
namespace {

using http::BodyReader;
using http::BodyStatus;
using http::HeadStatus;

template <typename NextPiece>
std::vector<std::string> read_requests(ByteView input, NextPiece&& next_piece) {
  std::vector<std::string> requests;
  http::RequestHeadParser parser;
  BodyReader body;
  bool is_in_body = false;
  std::string pending;
  std::size_t fed = 0;
  while (fed < input.size()) {
    const ByteView piece = input.substr(fed, next_piece());
    fed += piece.size();
    pending += piece;
    for (;;) {
      const Copy copy(pending);
      if (!is_in_body) {
        const HeadStatus status = parser.parse(copy.view());
        if (status == HeadStatus::kNeedMore) {
          break;
        }
        if (status == HeadStatus::kError) {
          requests.push_back("error " + std::to_string(parser.error().status));
          return requests;
        }
        requests.push_back(http::describe_request(parser) + "\n");
        body = BodyReader::for_request(parser.head());
        pending.erase(0, parser.head_bytes());
        parser.reset();
        is_in_body = true;
        continue;
      }
      const http::BodyStep step = body.next(copy.view());
      WSPUSH_CHECK(step.consumed <= copy.view().size());
      requests.back() += step.piece;
      pending.erase(0, step.consumed);
      if (step.status == BodyStatus::kNeedMore) {
        WSPUSH_CHECK(pending.empty());
        break;
      }
      if (step.status == BodyStatus::kError) {
        requests.push_back("error " + std::to_string(body.error().status));
        return requests;
      }
      if (step.status == BodyStatus::kEnd) {
        requests.back() += "\nend";
        is_in_body = false;
      }
    }
  }
  if (is_in_body) {
    // Only what the length, or the last chunk, says ends a request's body.
    WSPUSH_CHECK(!body.may_end_with_connection() || body.next({}).status == BodyStatus::kEnd);
  }
  WSPUSH_CHECK(parser.bytes_examined() <= input.size());
  return requests;
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 8'000) {
    return;
  }
  const auto whole = read_requests(input, [&] { return input.size(); });
  SplitMix64 chance = chance_of(input);
  const std::uint64_t longest = 1 + input.size() / 32;
  for (int round = 0; round < 2; ++round) {
    WSPUSH_CHECK(read_requests(input, [&] {
                   return static_cast<std::size_t>(1 + chance.below(longest));
                 }) == whole);
  }
}

}  // namespace wspush::fuzz
