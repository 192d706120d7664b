#include "load/payload.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <iterator>

#include "wspush/base/random.hpp"

#include "load/wire.hpp"

namespace wspush::load {
namespace {

constexpr std::size_t kDigits = 16;

char letter_of(std::uint64_t sequence) {
  return static_cast<char>('a' + sequence % 26);
}

/// Words that come again and letters that do not, 16 of each in turn. `payload` begins with the
/// digits.
void fill_mixed(char* payload, std::size_t bytes, std::uint64_t sequence) {
  static constexpr std::string_view kWords[] = {"temperature:21, ", "station: north, ",
                                                "humidity: 0.71, ", "state: measured,"};
  static constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  SplitMix64 random(sequence);
  for (std::size_t at = kDigits; at < bytes; ++at) {
    const std::size_t place = at % 16;
    const std::uint64_t chunk = at / 16;
    payload[at] = chunk % 2 == 0 ? kLetters[random.below(kLetters.size())]
                                 : kWords[(chunk / 2 + sequence) % std::size(kWords)][place];
  }
}

/// Latin with accents, Cyrillic, Chinese and pictures; whole letters only, the rest is filled up.
void fill_non_ascii(char* payload, std::size_t bytes, std::uint64_t sequence) {
  static constexpr std::string_view kLetters[] = {"\u00e9", "\u00df", "\u0434", "\u044f",
                                                  "\u4fe1", "\u606f", "\u63a8", "\U0001f680"};
  SplitMix64 random(sequence);
  std::size_t at = kDigits;
  while (at < bytes) {
    const std::string_view letter = kLetters[random.below(std::size(kLetters))];
    if (letter.size() <= bytes - at) {
      std::memcpy(payload + at, letter.data(), letter.size());
      at += letter.size();
    } else {
      payload[at++] = '.';
    }
  }
}

void fill_random(char* payload, std::size_t bytes, std::uint64_t sequence) {
  SplitMix64 random(sequence);
  for (std::size_t at = kDigits; at < bytes; at += sizeof(std::uint64_t)) {
    const std::uint64_t some = random.next();
    std::memcpy(payload + at, &some, std::min(sizeof some, bytes - at));
  }
}

}  // namespace

void append_payload(std::string& out, std::uint64_t sequence, std::size_t bytes, PayloadKind kind) {
  bytes = std::max(bytes, kPayloadBytesMin);
  const std::size_t start = out.size();
  out.append(bytes, letter_of(sequence));
  char* payload = out.data() + start;
  for (std::size_t i = 0; i < kDigits; ++i) {
    payload[kDigits - 1 - i] = "0123456789abcdef"[sequence >> (4 * i) & 0xf];
  }
  switch (kind) {
    case PayloadKind::kLetter:
      break;
    case PayloadKind::kMixed:
      fill_mixed(payload, bytes, sequence);
      break;
    case PayloadKind::kNonAscii:
      fill_non_ascii(payload, bytes, sequence);
      break;
    case PayloadKind::kRandom:
      fill_random(payload, bytes, sequence);
      break;
  }
}

std::string make_payload(std::uint64_t sequence, std::size_t bytes, PayloadKind kind) {
  std::string payload;
  append_payload(payload, sequence, bytes, kind);
  return payload;
}

void append_json_entry(std::string& out, std::string_view topic, std::uint64_t sequence,
                       std::size_t bytes, PayloadKind kind) {
  out.append(R"({"topic":")").append(topic);
  if (kind == PayloadKind::kRandom) {
    out.append(R"(","base64":")").append(base64_of(make_payload(sequence, bytes, kind)));
  } else {
    out.append(R"(","text":")");
    append_payload(out, sequence, bytes, kind);
  }
  out.append("\"}");
}

std::optional<std::uint64_t> sequence_of(std::string_view payload) {
  if (payload.size() < kDigits) {
    return std::nullopt;
  }
  std::uint64_t sequence = 0;
  const char* end = payload.data() + kDigits;
  const auto result = std::from_chars(payload.data(), end, sequence, 16);
  if (result.ec != std::errc() || result.ptr != end) {
    return std::nullopt;
  }
  return sequence;
}

bool is_intact(std::string_view payload, std::uint64_t sequence, std::size_t bytes,
               PayloadKind kind) {
  if (kind != PayloadKind::kLetter) {
    return payload == make_payload(sequence, bytes, kind);
  }
  return payload.size() == bytes && sequence_of(payload) == sequence &&
         payload.find_first_not_of(letter_of(sequence), kDigits) == std::string_view::npos;
}

std::optional<std::string_view> find_json_string(std::string_view object, std::string_view name) {
  for (std::size_t at = object.find(name); at != std::string_view::npos;
       at = object.find(name, at + 1)) {
    const std::size_t after = at + name.size();
    if (at == 0 || object[at - 1] != '"' || object.substr(after, 1) != "\"") {
      continue;
    }
    const std::size_t colon = object.find_first_not_of(" \t\r\n", after + 1);
    if (colon == std::string_view::npos || object[colon] != ':') {
      continue;
    }
    const std::size_t quote = object.find_first_not_of(" \t\r\n", colon + 1);
    if (quote == std::string_view::npos || object[quote] != '"') {
      continue;
    }
    const std::size_t end = object.find('"', quote + 1);
    if (end == std::string_view::npos) {
      return std::nullopt;
    }
    return object.substr(quote + 1, end - quote - 1);
  }
  return std::nullopt;
}

std::optional<MessageId> parse_message_id(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos || dash == 0) {
    return std::nullopt;
  }
  MessageId id{.epoch = text.substr(0, dash)};
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data() + dash + 1, end, id.offset);
  if (result.ec != std::errc() || result.ptr != end) {
    return std::nullopt;
  }
  return id;
}

}  // namespace wspush::load
