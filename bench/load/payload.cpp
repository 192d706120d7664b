#include "payload.hpp"

#include <charconv>
#include <iterator>

#include "wspush/base/random.hpp"

namespace wspush::load {
namespace {

constexpr std::size_t kDigits = 16;

char letter_of(std::uint64_t sequence) {
  return static_cast<char>('a' + sequence % 26);
}

/// Words that come again and letters that do not, 16 of each in turn.
void fill_mixed(std::string& payload, std::uint64_t sequence) {
  static constexpr std::string_view kWords[] = {"temperature:21, ", "station: north, ",
                                                "humidity: 0.71, ", "state: measured,"};
  static constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  SplitMix64 random(sequence);
  for (std::size_t at = kDigits; at < payload.size(); ++at) {
    const std::size_t place = at % 16;
    const std::uint64_t chunk = at / 16;
    payload[at] = chunk % 2 == 0 ? kLetters[random.below(kLetters.size())]
                                 : kWords[(chunk / 2 + sequence) % std::size(kWords)][place];
  }
}

}  // namespace

std::string make_payload(std::uint64_t sequence, std::size_t bytes, PayloadText text) {
  std::string payload(bytes < kPayloadBytesMin ? kPayloadBytesMin : bytes, letter_of(sequence));
  if (text == PayloadText::kMixed) {
    fill_mixed(payload, sequence);
  }
  for (std::size_t i = 0; i < kDigits; ++i) {
    payload[kDigits - 1 - i] = "0123456789abcdef"[sequence >> (4 * i) & 0xf];
  }
  return payload;
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
               PayloadText text) {
  if (text == PayloadText::kMixed) {
    return payload == make_payload(sequence, bytes, text);
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
