#include "http/field_section.hpp"

#include <cctype>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

namespace wspush::http {
namespace {

using namespace std::string_view_literals;

struct Outcome {
  enum class Kind { kNeedMore, kComplete, kFault } kind = Kind::kNeedMore;
  std::size_t bytes = 0;            ///< of a complete section
  std::vector<std::string> fields;  ///< "name=value"

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome parse(std::string_view text) {
  FieldSectionParser parser;
  HeaderMap fields;
  fields.set_base(text.data());
  Outcome outcome;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto status = parser.step(text[at], static_cast<std::uint32_t>(at), 1000, fields);
    if (status == FieldSectionParser::Status::kFault) {
      return {Outcome::Kind::kFault, 0, {}};
    }
    if (status == FieldSectionParser::Status::kComplete) {
      outcome.kind = Outcome::Kind::kComplete;
      outcome.bytes = at + 1;
      break;
    }
  }
  for (std::size_t index = 0; index < fields.size(); ++index) {
    outcome.fields.push_back(std::string(fields[index].name) + "=" +
                             std::string(fields[index].value));
  }
  return outcome;
}

// The oracle: line by line over the whole text, as one would check it by hand.

bool is_name_byte(char byte) {
  return std::isalnum(static_cast<unsigned char>(byte)) != 0 ||
         (byte != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(byte) != std::string_view::npos);
}

bool is_value_byte(char byte) {
  return byte == '\t' || (static_cast<unsigned char>(byte) >= 0x20 && byte != '\x7f');
}

bool all(std::string_view text, bool (*is_right)(char)) {
  for (const char byte : text) {
    if (!is_right(byte)) {
      return false;
    }
  }
  return true;
}

/// Whether `line`, without its end, is a field line, or (not whole) may become one.
bool is_field_line(std::string_view line, bool is_whole) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) {
    return !is_whole && all(line, is_name_byte);
  }
  return colon > 0 && all(line.substr(0, colon), is_name_byte) &&
         all(line.substr(colon + 1), is_value_byte);
}

std::string field_of(std::string_view line) {
  const std::size_t colon = line.find(':');
  std::string value(line.substr(colon + 1));
  value.erase(0, std::min(value.find_first_not_of(" \t"), value.size()));
  value.erase(value.find_last_not_of(" \t") + 1);
  return std::string(line.substr(0, colon)) + "=" + value;
}

Outcome oracle(std::string_view text) {
  Outcome outcome;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) {
      std::string_view rest = text.substr(begin);
      const bool ends_in_return = rest.ends_with('\r');
      if (ends_in_return) {
        rest.remove_suffix(1);
      }
      const bool may_go_on = rest.empty() || is_field_line(rest, ends_in_return);
      return may_go_on ? outcome : Outcome{Outcome::Kind::kFault, 0, {}};
    }
    const std::string_view line = text.substr(begin, end + 1 - begin);
    begin = end + 1;
    if (line == "\r\n") {
      outcome.kind = Outcome::Kind::kComplete;
      outcome.bytes = begin;
      return outcome;
    }
    if (!line.ends_with("\r\n") || !is_field_line(line.substr(0, line.size() - 2), true)) {
      return {Outcome::Kind::kFault, 0, {}};
    }
    outcome.fields.push_back(field_of(line.substr(0, line.size() - 2)));
  }
}

TEST(FieldSection, AgreesWithTheOracleOnRandomText) {
  constexpr std::uint64_t kSeed = 7230;
  constexpr std::string_view kPieces[] = {"\r\n"sv, "\r\n"sv,     "Name"sv,    "x"sv,    ":"sv,
                                          ": "sv,   ": value"sv,  " "sv,       "\t"sv,   "\r"sv,
                                          "\n"sv,   "\0"sv,       "("sv,       "\x80"sv, "\x7f"sv,
                                          ","sv,    "A: b\r\n"sv, "\r\n\r\n"sv};
  SplitMix64 random(kSeed);
  int seen[3] = {0, 0, 0};
  for (int round = 0; round < 100000; ++round) {
    std::string text;
    // Half of them begin well, so that many get past their first line.
    if (random.below(2) == 0) {
      text = "Host: a\r\n";
    }
    for (std::uint64_t count = random.below(8); count > 0; --count) {
      text += kPieces[random.below(std::size(kPieces))];
    }
    const Outcome wanted = oracle(text);
    ASSERT_EQ(parse(text), wanted) << "seed " << kSeed << " round " << round << "\n" << text;
    ++seen[static_cast<int>(wanted.kind)];
  }
  EXPECT_GT(seen[0], 1000);
  EXPECT_GT(seen[1], 1000);
  EXPECT_GT(seen[2], 1000);
}

TEST(FieldSection, NamesTheFault) {
  const auto fault_of = [](std::string_view text) {
    FieldSectionScanner scanner;
    for (const char byte : text) {
      if (scanner.step(byte) == FieldSectionScanner::Event::kFault) {
        return scanner.fault();
      }
    }
    ADD_FAILURE() << "no fault in " << text;
    return HttpFault::kBadStatusLine;
  };
  EXPECT_EQ(fault_of("a: b\n"), HttpFault::kBareLineFeed);
  EXPECT_EQ(fault_of("\n"), HttpFault::kBareLineFeed);
  EXPECT_EQ(fault_of("a: b\rc"), HttpFault::kBareCarriageReturn);
  EXPECT_EQ(fault_of("\rc"), HttpFault::kBareCarriageReturn);
  EXPECT_EQ(fault_of(": b"), HttpFault::kEmptyHeaderName);
  EXPECT_EQ(fault_of("(a: b"), HttpFault::kBadHeaderName);
  EXPECT_EQ(fault_of("a(: b"), HttpFault::kBadHeaderName);
  EXPECT_EQ(fault_of("a : b"), HttpFault::kSpaceBeforeColon);
  EXPECT_EQ(fault_of("a\r\n"), HttpFault::kMissingColon);
  EXPECT_EQ(fault_of("a: b\r\n c"), HttpFault::kFoldedLine);
  EXPECT_EQ(fault_of("a: \x01"), HttpFault::kBadHeaderValue);
}

}  // namespace
}  // namespace wspush::http
