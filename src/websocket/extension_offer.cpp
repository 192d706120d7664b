#include "websocket/extension_offer.hpp"

#include <algorithm>
#include <array>

#include "websocket/opening_handshake.hpp"

namespace wspush::websocket {
namespace {

constexpr ByteView kPermessageDeflate = "permessage-deflate";
constexpr ByteView kServerNoContextTakeover = "server_no_context_takeover";
constexpr ByteView kClientNoContextTakeover = "client_no_context_takeover";
constexpr ByteView kServerMaxWindowBits = "server_max_window_bits";
constexpr ByteView kClientMaxWindowBits = "client_max_window_bits";

/// Reads one header value from its front. Every method skips white space first and takes what it
/// names; nothing is looked at twice.
class ValueReader {
 public:
  explicit ValueReader(ByteView value) : rest_(value) {}

  bool is_at_end() {
    skip_blanks();
    return rest_.empty();
  }

  bool take(char wanted) {
    skip_blanks();
    if (rest_.empty() || rest_.front() != wanted) {
      return false;
    }
    rest_.remove_prefix(1);
    return true;
  }

  /// Empty where there is none.
  ByteView take_token() {
    skip_blanks();
    std::size_t bytes = 0;
    while (bytes < rest_.size() && is_token(rest_.substr(bytes, 1))) {
      ++bytes;
    }
    const ByteView token = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return token;
  }

  /// A token, or what a quoted string says; nothing where it is neither. The view dies with the
  /// next call.
  std::optional<ByteView> take_parameter_value() {
    if (!take('"')) {
      const ByteView token = take_token();
      return token.empty() ? std::nullopt : std::optional(token);
    }
    unescaped_.clear();
    std::size_t at = 0;
    while (at < rest_.size() && rest_[at] != '"') {
      if (rest_[at] == '\\' && ++at == rest_.size()) {
        break;
      }
      unescaped_.push_back(rest_[at++]);
    }
    if (at == rest_.size()) {
      return std::nullopt;  // Never closed.
    }
    rest_.remove_prefix(at + 1);
    return unescaped_;
  }

 private:
  void skip_blanks() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size()));
  }

  ByteView rest_;
  std::string unescaped_;
};

/// The exact spellings of §7.1.2: no sign, no leading zero.
std::optional<int> window_bits_of(ByteView text) {
  constexpr std::array<ByteView, 8> kSpellings = {"8", "9", "10", "11", "12", "13", "14", "15"};
  const auto found = std::ranges::find(kSpellings, text);
  if (found == kSpellings.end()) {
    return std::nullopt;
  }
  return kWindowBitsMin + static_cast<int>(found - kSpellings.begin());
}

/// One offer of permessage-deflate, as far as it has been read.
class DeflateOffer {
 public:
  /// `value` is nothing where the parameter has none.
  void add(ByteView name, std::optional<ByteView> value) {
    if (name == kServerNoContextTakeover) {
      add_flag(server_no_context_takeover_, value);
    } else if (name == kClientNoContextTakeover) {
      add_flag(client_no_context_takeover_, value);
    } else if (name == kServerMaxWindowBits) {
      add_bits(server_window_bits_, value);
    } else if (name == kClientMaxWindowBits && !value) {
      // Without a value it only says that the client would heed the answer.
      add_bits(client_window_bits_, "15");
    } else if (name == kClientMaxWindowBits) {
      add_bits(client_window_bits_, value);
    } else {
      is_valid_ = false;
    }
  }

  bool is_valid() const { return is_valid_; }

  AcceptedOffer accepted(const DeflateBounds& bounds) const {
    const auto granted = [&](std::optional<int> offered) {
      return static_cast<std::uint8_t>(
          std::min(offered.value_or(kWindowBitsMax), bounds.window_bits));
    };
    AcceptedOffer result;
    DeflateAgreement& agreement = result.agreement;
    agreement.server_context_takeover =
        bounds.server_context_takeover && !server_no_context_takeover_;
    agreement.client_context_takeover =
        bounds.client_context_takeover && !client_no_context_takeover_;
    agreement.server_window_bits = granted(server_window_bits_);
    // A client that did not offer to heed a bound has none (§7.1.2.2).
    agreement.client_window_bits =
        client_window_bits_ ? granted(client_window_bits_) : std::uint8_t{kWindowBitsMax};

    std::string& answer = result.answer;
    answer = kPermessageDeflate;
    const auto append = [&answer](ByteView name) { answer.append("; ").append(name); };
    if (!agreement.server_context_takeover) {
      append(kServerNoContextTakeover);
    }
    if (!agreement.client_context_takeover) {
      append(kClientNoContextTakeover);
    }
    if (server_window_bits_) {
      append(kServerMaxWindowBits);
      answer.append("=").append(std::to_string(agreement.server_window_bits));
    }
    if (client_window_bits_) {
      append(kClientMaxWindowBits);
      answer.append("=").append(std::to_string(agreement.client_window_bits));
    }
    return result;
  }

 private:
  void add_flag(bool& flag, std::optional<ByteView> value) {
    is_valid_ = is_valid_ && !flag && !value;
    flag = true;
  }

  void add_bits(std::optional<int>& bits, std::optional<ByteView> value) {
    const std::optional<int> parsed = value ? window_bits_of(*value) : std::nullopt;
    is_valid_ = is_valid_ && !bits && parsed;
    bits = parsed;
  }

  bool is_valid_ = true;
  bool server_no_context_takeover_ = false;
  bool client_no_context_takeover_ = false;
  std::optional<int> server_window_bits_;
  std::optional<int> client_window_bits_;
};

/// Reads one extension with its parameters; `offer` gets these. False: malformed.
bool read_parameters(ValueReader& reader, DeflateOffer& offer) {
  while (reader.take(';')) {
    const ByteView name = reader.take_token();
    if (name.empty()) {
      return false;
    }
    std::optional<ByteView> value;
    if (reader.take('=')) {
      value = reader.take_parameter_value();
      if (!value) {
        return false;
      }
    }
    offer.add(name, value);
  }
  return true;
}

}  // namespace

Result<std::optional<AcceptedOffer>, MalformedExtensions> negotiate_deflate(
    std::span<const ByteView> values, const std::optional<DeflateBounds>& bounds) {
  std::optional<AcceptedOffer> accepted;
  bool has_extension = false;
  for (const ByteView value : values) {
    ValueReader reader(value);
    while (!reader.is_at_end()) {
      if (reader.take(',')) {
        continue;  // Empty elements are allowed (RFC 9110 §5.6.1.2).
      }
      const ByteView extension = reader.take_token();
      DeflateOffer offer;
      if (extension.empty() || !read_parameters(reader, offer) ||
          !(reader.is_at_end() || reader.take(','))) {
        return Unexpected(MalformedExtensions{});
      }
      has_extension = true;
      if (!accepted && bounds && extension == kPermessageDeflate && offer.is_valid()) {
        accepted = offer.accepted(*bounds);
      }
    }
  }
  if (!has_extension && !values.empty()) {
    return Unexpected(MalformedExtensions{});
  }
  return accepted;
}

}  // namespace wspush::websocket
