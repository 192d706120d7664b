#include <arpa/inet.h>
#include <array>
#include <bitset>
#include <optional>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/http_oracle.hpp"
#include "http/forwarded.hpp"
#include "net/network_set.hpp"

// Who the client is, by what proxies have said of it. The input: a byte that chooses whose word is
// believed, then header lines, each behind a letter that gives its name. Against a plain reading;
// and whatever stands in a header, the word that a proxy adds at its end is the first that is read.
namespace wspush::fuzz {
namespace {

const std::string kPlainName = "X-Forwarded-For";
const std::string kStandardName = "Forwarded";

struct Line {
  std::string name;
  std::string value;
};

Line line_of(ByteView text) {
  constexpr std::array<std::string_view, 4> kNames = {"x-forwarded-for", "FORWARDED", "Via",
                                                      "X-Forwarded-Host"};
  const char letter = text.empty() ? 'v' : text.front();
  const std::string name =
      letter == 'x'   ? kPlainName
      : letter == 'f' ? kStandardName
                      : std::string(kNames[static_cast<unsigned char>(letter) % kNames.size()]);
  return {name, plain_trim(text.substr(std::min<std::size_t>(1, text.size())))};
}

bool is_named(const Line& line, const std::string& name) {
  return PlainHead::lower(line.name) == PlainHead::lower(name);
}

std::vector<std::string> read(const std::vector<Line>& lines) {
  http::HeaderMap map;
  std::string text;
  for (const Line& line : lines) {
    const auto begin = static_cast<std::uint32_t>(text.size());
    const auto name_bytes = static_cast<std::uint32_t>(line.name.size());
    map.add({.name_begin = begin,
             .name_bytes = name_bytes,
             .value_begin = begin + name_bytes,
             .value_bytes = static_cast<std::uint32_t>(line.value.size())});
    text += line.name + line.value;
  }
  const Copy copy(text);
  map.set_base(copy.view().data());
  std::vector<std::string> nodes;
  for (const std::string_view node : http::forwarded_for(map)) {
    nodes.emplace_back(node);
  }
  return nodes;
}

/// Cut at the commas behind which an even number of quotes stands, where quotes count.
std::vector<std::string> elements_from_the_end(const std::string& value, bool has_quotes) {
  std::vector<std::string> elements;
  std::string element;
  bool is_quoted = false;
  for (std::size_t i = value.size(); i-- > 0;) {
    if (value[i] == ',' && !is_quoted) {
      elements.push_back(element);
      element.clear();
      continue;
    }
    is_quoted = is_quoted != (has_quotes && value[i] == '"');
    element.insert(element.begin(), value[i]);
  }
  elements.push_back(element);
  return elements;
}

std::string plain_node(const std::string& element) {
  std::vector<std::string> pairs(1);
  bool is_quoted = false;
  for (std::size_t i = 0; i < element.size(); ++i) {
    if (element[i] == ';' && !is_quoted) {
      pairs.emplace_back();
      continue;
    }
    if (element[i] == '\\' && is_quoted && i + 1 < element.size()) {
      pairs.back() += element[i++];
    } else if (element[i] == '"') {
      is_quoted = !is_quoted;
    }
    pairs.back() += element[i];
  }
  std::vector<std::string> named;
  for (const std::string& pair : pairs) {
    const std::size_t equals = pair.find('=');
    if (equals != pair.npos && PlainHead::lower(plain_trim(pair.substr(0, equals))) == "for") {
      named.push_back(plain_trim(pair.substr(equals + 1)));
    }
  }
  if (named.size() != 1) {
    return {};
  }
  const std::string& node = named.front();
  const bool is_in_quotes = node.size() >= 2 && node.front() == '"' && node.back() == '"';
  return is_in_quotes ? node.substr(1, node.size() - 2) : node;
}

std::string plain_host(const std::string& node) {
  if (node.starts_with('[')) {
    const auto parts = plain_split(node.substr(1), ']');
    const std::size_t end = node.find(']');
    const bool is_whole = end != node.npos && (end + 1 == node.size() || node[end + 1] == ':');
    return is_whole ? parts.front() : std::string();
  }
  const auto parts = plain_split(node, ':');
  return parts.size() == 2 ? parts.front() : node;
}

std::vector<std::string> plain_forwarded(const std::vector<Line>& lines) {
  bool is_plain = false;
  for (const Line& line : lines) {
    is_plain = is_plain || is_named(line, kPlainName);
  }
  std::vector<std::string> nodes;
  for (std::size_t i = lines.size(); i-- > 0;) {
    if (!is_named(lines[i], is_plain ? kPlainName : kStandardName)) {
      continue;
    }
    for (const std::string& each : elements_from_the_end(lines[i].value, !is_plain)) {
      const std::string element = plain_trim(each);
      if (!element.empty()) {
        nodes.push_back(plain_host(is_plain ? element : plain_node(element)));
      }
    }
  }
  return nodes;
}

/// The 128 bits of an address, IPv4 behind 80 zeros and 16 ones; nothing where it is none.
std::optional<std::string> bits_of(const std::string& text) {
  std::array<unsigned char, 16> bytes{};
  if (text.find('\0') != text.npos) {
    return std::nullopt;
  }
  if (inet_pton(AF_INET, text.c_str(), bytes.data() + 12) == 1) {
    bytes[10] = bytes[11] = 255;
  } else if (inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) {
    return std::nullopt;
  }
  std::string bits;
  for (const unsigned char byte : bytes) {
    bits += std::bitset<8>(byte).to_string();
  }
  return bits;
}

/// Whether `bits` are in `network`, "address/length".
bool plain_contains(const std::string& network, const std::string& bits) {
  const auto parts = plain_split(network, '/');
  const bool is_v4 = network.find(':') == network.npos;
  const auto length = static_cast<std::size_t>(std::stoi(parts[1])) + (is_v4 ? 96 : 0);
  const bool is_v4_address = bits.starts_with(bits_of("0.0.0.0")->substr(0, 96));
  return (!is_v4_address || length >= 96) &&
         bits.substr(0, length) == bits_of(parts[0])->substr(0, length);
}

void check_client(const std::vector<std::string>& named, const std::vector<std::string>& networks) {
  const auto trusted = net::NetworkSet::parse(networks);
  WSPUSH_CHECK(trusted.has_value());
  const std::vector<std::string_view> views(named.begin(), named.end());
  const auto peer = net::parse_ip("10.0.0.1");
  WSPUSH_CHECK(peer.has_value());
  const net::IpAddress client = net::client_behind(*peer, views, *trusted);

  std::string wanted = *bits_of("10.0.0.1");
  for (const std::string& each : named) {
    const auto bits = bits_of(each);
    if (!bits || bits->find('1') == bits->npos) {  // "::" is nobody's address.
      break;
    }
    wanted = *bits;
    bool is_trusted = false;
    for (const std::string& network : networks) {
      is_trusted = is_trusted || plain_contains(network, *bits);
    }
    if (!is_trusted) {
      break;
    }
  }
  std::string got;
  for (const std::uint8_t byte : client.bytes) {
    got += std::bitset<8>(byte).to_string();
  }
  WSPUSH_CHECK(got == wanted);
  WSPUSH_CHECK(bits_of(client.text()) == wanted);
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 8'000) {
    return;
  }
  Draw draw(input);
  const std::uint8_t bits = draw.byte();
  constexpr std::array<std::string_view, 8> kNetworks = {
      "10.0.0.0/8", "192.0.2.0/31",  "198.51.100.7/32", "0.0.0.0/0",
      "::/0",       "2001:db8::/33", "::1/128",         "::ffff:0:0/96"};
  std::vector<std::string> networks;
  for (std::size_t i = 0; i < kNetworks.size(); ++i) {
    if ((bits >> i & 1U) != 0) {
      networks.emplace_back(kNetworks[i]);
    }
  }
  std::vector<Line> lines;
  while (!draw.is_empty() && lines.size() < 100) {
    lines.push_back(line_of(draw.until('\n')));
  }

  const std::vector<std::string> named = read(lines);
  WSPUSH_CHECK(named == plain_forwarded(lines));
  check_client(named, networks);

  // What a proxy adds, to the last line or as a line of its own, nobody before it can hide.
  constexpr std::string_view kAdded = "203.0.113.9";
  for (const Line& added :
       {Line{kPlainName, std::string(kAdded)}, Line{kStandardName, "for=" + std::string(kAdded)}}) {
    // Where there is X-Forwarded-For nobody asks Forwarded.
    std::vector<Line> before = lines;
    std::erase_if(before, [&](const Line& line) {
      return added.name == kStandardName && is_named(line, kPlainName);
    });
    std::vector<Line> more = before;
    more.push_back(added);
    WSPUSH_CHECK(read(more).front() == kAdded);
    if (!before.empty() && is_named(before.back(), added.name)) {
      before.back().value += ", " + added.value;
      WSPUSH_CHECK(read(before).front() == kAdded);
    }
  }
}

}  // namespace wspush::fuzz
