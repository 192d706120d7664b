#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/http_oracle.hpp"
#include "websocket/extension_offer.hpp"

// Offers of extensions, one header line a line of the input, behind a byte that chooses the bounds.
// Against a reading that first cuts everything into words and then asks what they say.
namespace wspush::fuzz {
namespace {

using websocket::DeflateBounds;

struct Word {
  char kind = 0;  ///< 't' token, 'q' quoted string, or the separator itself; '!' none of them
  std::string text;
};

std::vector<Word> words_of(std::string_view value) {
  std::vector<Word> words;
  for (std::size_t i = 0; i < value.size();) {
    const char c = value[i];
    if (c == ' ' || c == '\t') {
      ++i;
    } else if (c == ';' || c == ',' || c == '=') {
      words.push_back({c, {}});
      ++i;
    } else if (c == '"') {
      Word word{'!', {}};
      for (++i; i < value.size(); ++i) {
        if (value[i] == '"') {
          word.kind = 'q';
          break;
        }
        if (value[i] == '\\' && ++i == value.size()) {
          break;
        }
        word.text += value[i];
      }
      ++i;
      words.push_back(word);
    } else {
      Word word{'t', {}};
      while (i < value.size() && plain_is_token(value.substr(i, 1))) {
        word.text += value[i++];
      }
      if (word.text.empty()) {
        word.kind = '!';
        ++i;
      }
      words.push_back(word);
    }
  }
  return words;
}

struct Offer {
  std::string name;
  std::vector<std::pair<std::string, std::optional<std::string>>> parameters;
};

/// Nothing where the words are no list of extensions.
std::optional<std::vector<Offer>> offers_of(const std::vector<Word>& words) {
  std::vector<Offer> offers;
  std::size_t at = 0;
  const auto is = [&](char kind) { return at < words.size() && words[at].kind == kind; };
  while (at < words.size()) {
    if (is(',')) {
      ++at;
      continue;
    }
    if (!is('t')) {
      return std::nullopt;
    }
    offers.push_back({words[at++].text, {}});
    while (is(';')) {
      ++at;
      if (!is('t')) {
        return std::nullopt;
      }
      auto& parameter = offers.back().parameters.emplace_back(words[at++].text, std::nullopt);
      if (is('=')) {
        ++at;
        if (!(is('t') || is('q'))) {
          return std::nullopt;
        }
        // In quotes it may be no token: then it is none of the values that are known.
        parameter.second = words[at++].text;
      }
    }
    if (at < words.size() && !is(',')) {
      return std::nullopt;
    }
  }
  return offers;
}

int bits_of(const std::string& text) {
  for (int bits = 8; bits <= 15; ++bits) {
    if (text == std::to_string(bits)) {
      return bits;
    }
  }
  return 0;
}

/// The parameters of an offer that can be taken, or nothing.
std::optional<std::map<std::string, int>> acceptable(const Offer& offer) {
  std::map<std::string, int> known;
  for (const auto& [name, value] : offer.parameters) {
    int number = 0;
    if (name == "server_no_context_takeover" || name == "client_no_context_takeover") {
      number = value ? 0 : 1;
    } else if (name == "client_max_window_bits" && !value) {
      number = 15;
    } else if (name == "server_max_window_bits" || name == "client_max_window_bits") {
      number = value ? bits_of(*value) : 0;
    }
    if (number == 0 || known.contains(name)) {
      return std::nullopt;
    }
    known[name] = number;
  }
  return known;
}

std::string answer_of(const std::map<std::string, int>& offered, const DeflateBounds& bounds) {
  const auto at = [&](const char* name) {
    const auto found = offered.find(name);
    return found == offered.end() ? 0 : found->second;
  };
  std::string answer = "permessage-deflate";
  if (!bounds.server_context_takeover || at("server_no_context_takeover") != 0) {
    answer += "; server_no_context_takeover";
  }
  if (!bounds.client_context_takeover || at("client_no_context_takeover") != 0) {
    answer += "; client_no_context_takeover";
  }
  for (const char* name : {"server_max_window_bits", "client_max_window_bits"}) {
    if (at(name) != 0) {
      answer +=
          "; " + std::string(name) + "=" + std::to_string(std::min(at(name), bounds.window_bits));
    }
  }
  return answer;
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 8'000) {
    return;
  }
  Draw draw(input);
  const std::uint8_t bits = draw.byte();
  const DeflateBounds bounds{.server_context_takeover = (bits & 1U) != 0,
                             .client_context_takeover = (bits & 2U) != 0,
                             .window_bits = 8 + ((bits >> 2U) & 7)};
  std::vector<ByteView> values;
  std::vector<Offer> offers;
  bool is_well_formed = true;
  while (!draw.is_empty() && values.size() < 100) {
    values.push_back(draw.until('\n'));
    const auto more = offers_of(words_of(values.back()));
    is_well_formed = is_well_formed && more.has_value();
    if (more) {
      offers.insert(offers.end(), more->begin(), more->end());
    }
  }
  is_well_formed = is_well_formed && (values.empty() || !offers.empty());

  const auto off = websocket::negotiate_deflate(values, std::nullopt);
  WSPUSH_CHECK(off.has_value() == is_well_formed);
  WSPUSH_CHECK(!off || !off->has_value());
  const auto result = websocket::negotiate_deflate(values, bounds);
  WSPUSH_CHECK(result.has_value() == is_well_formed);
  if (!is_well_formed) {
    return;
  }
  std::optional<std::map<std::string, int>> wanted;
  for (const Offer& offer : offers) {
    if (!wanted && offer.name == "permessage-deflate") {
      wanted = acceptable(offer);
    }
  }
  WSPUSH_CHECK(result->has_value() == wanted.has_value());
  if (!wanted) {
    return;
  }
  const websocket::AcceptedOffer& accepted = **result;
  WSPUSH_CHECK(accepted.answer == answer_of(*wanted, bounds));
  // What was said is what is kept: the answer, read again, gives the same agreement.
  const auto has = [&](std::string_view text) {
    return accepted.answer.find(text) != std::string::npos;
  };
  const websocket::DeflateAgreement& agreement = accepted.agreement;
  WSPUSH_CHECK(agreement.server_context_takeover != has("server_no_context_takeover"));
  WSPUSH_CHECK(agreement.client_context_takeover != has("client_no_context_takeover"));
  for (const auto& [name, value] :
       {std::pair("server_max_window_bits=", agreement.server_window_bits),
        std::pair("client_max_window_bits=", agreement.client_window_bits)}) {
    WSPUSH_CHECK(value >= 8 && value <= 15);
    WSPUSH_CHECK(!has(name) || has(name + std::to_string(value)));
  }
  WSPUSH_CHECK(agreement.server_window_bits <= bounds.window_bits);
  // A client that was told no bound has none, whatever ours is.
  WSPUSH_CHECK(has("client_max_window_bits=") || agreement.client_window_bits == 15);
}

}  // namespace wspush::fuzz
