#include "cli/token_command.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

#include "wspush/hub/topic_name.hpp"

#include "auth/jwt_signer.hpp"
#include "base/json.hpp"
#include "base/unique_fd.hpp"
#include "base/utf8.hpp"
#include "cli/descriptor_io.hpp"

namespace wspush::cli {

const std::string_view kTokenHelp = R"(wspush token prints a token for wspushd

usage: wspush token --user NAME --secret-file FILE [options]

      --user NAME            whom it names (sub)
one of --secret-file FILE    the server's auth.hmac_secret_file
      --secret TEXT          the same as text; others may see it in the list of
                             processes
      --private-key FILE     PEM, not encrypted: RSA, P-256 or Ed25519
      --alg HS256            or HS384, HS512: of a secret
      --kid ID               which key of a JWKS file it is
      --expires 1h           s, m, h or d; 0: never
      --subscribe PATTERN    may be given again; for rules that say `token`
      --publish PATTERN      likewise
      --info JSON            what other members see
      --aud TEXT, --iss TEXT, --jti TEXT
)";

namespace {

constexpr std::size_t kKeyFileBytesMax = 64 << 10;
constexpr std::uint64_t kExpiresMax = std::uint64_t{10} * 366 * 24 * 3600;

/// Takes the value; returns what is wrong with it, or nothing.
using Apply = std::string (*)(TokenOptions&, std::string_view value);

struct Row {
  std::string_view name;
  Apply apply;
};

std::string take_text(std::string& into, std::string_view value) {
  into = value;
  return value.empty() || !is_valid_utf8(value) ? "must be UTF-8 and not empty" : "";
}

std::string take_pattern(std::vector<std::string>& into, std::string_view value) {
  into.emplace_back(value);
  return hub::is_pattern(value) ? "" : "is neither a topic nor a pattern";
}

std::string take_algorithm(TokenOptions& options, std::string_view value) {
  const auto algorithm = auth::parse_algorithm(value);
  if (!algorithm || !value.starts_with("HS")) {
    return "is none of HS256, HS384 and HS512";
  }
  options.algorithm = *algorithm;
  return {};
}

std::string take_expires(TokenOptions& options, std::string_view value) {
  constexpr std::array<std::pair<char, std::uint64_t>, 4> kUnits{
      {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 24 * 3600}}};
  std::uint64_t number = 0;
  const char* const end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number);
  const auto* const unit =
      stop == end ? kUnits.end()
                  : std::ranges::find(kUnits, *stop, [](const auto& each) { return each.first; });
  const bool is_zero = error == std::errc() && stop == end && number == 0;
  const bool has_unit = error == std::errc() && unit != kUnits.end() && stop + 1 == end;
  if (!is_zero && (!has_unit || number > kExpiresMax / unit->second)) {
    return "is a time like 90s, 15m, 2h or 30d, ten years at most; or 0";
  }
  const std::uint64_t seconds = is_zero ? 0 : number * unit->second;
  options.expires = seconds == 0 ? std::nullopt : std::optional(std::chrono::seconds(seconds));
  return {};
}

std::string take_info(TokenOptions& options, std::string_view value) {
  options.info = value;
  if (!check_json(value)) {
    return "is not JSON; a text needs quotes of its own";
  }
  return value.size() > auth::kInfoBytesMax ? "has more than 1 KiB" : "";
}

using View = std::string_view;
constexpr std::array kRows = {
    Row{"--user", [](TokenOptions& o, View v) { return take_text(o.user, v); }},
    Row{"--secret", [](TokenOptions& o, View v) { return take_text(o.secret, v); }},
    Row{"--secret-file", [](TokenOptions& o, View v) { return take_text(o.secret_file, v); }},
    Row{"--private-key", [](TokenOptions& o, View v) { return take_text(o.private_key_file, v); }},
    Row{"--alg", take_algorithm},
    Row{"--kid", [](TokenOptions& o, View v) { return take_text(o.kid, v); }},
    Row{"--expires", take_expires},
    Row{"--subscribe", [](TokenOptions& o, View v) { return take_pattern(o.subscribe, v); }},
    Row{"--publish", [](TokenOptions& o, View v) { return take_pattern(o.publish, v); }},
    Row{"--info", take_info},
    Row{"--aud", [](TokenOptions& o, View v) { return take_text(o.audience, v); }},
    Row{"--iss", [](TokenOptions& o, View v) { return take_text(o.issuer, v); }},
    Row{"--jti", [](TokenOptions& o, View v) { return take_text(o.token_id, v); }},
};

Unexpected<std::string> usage_error(std::string what) {
  return Unexpected(std::move(what) + " (see wspush token --help)");
}

void append_text(std::string& claims, ByteView name, ByteView value) {
  if (!value.empty()) {
    claims.append(",\"").append(name).append("\":");
    append_json_string(claims, value);
  }
}

void append_list(std::string& claims, ByteView name, const std::vector<std::string>& entries) {
  if (entries.empty()) {
    return;
  }
  claims.append(",\"").append(name).append("\":");
  for (const std::string& entry : entries) {
    claims.push_back(&entry == entries.data() ? '[' : ',');
    append_json_string(claims, entry);
  }
  claims.push_back(']');
}

/// The content of a file, at most kKeyFileBytesMax. Errors: one line.
Result<std::string, std::string> read_key_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 4096> chunk;
  while (fd && text.size() <= kKeyFileBytesMax) {
    const ssize_t count = ::read(fd.get(), chunk.data(), chunk.size());
    if (count == 0) {
      return text;
    }
    if (count < 0 && errno != EINTR) {
      break;
    }
    text.append(chunk.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  }
  return Unexpected(path + ": " +
                    (text.size() > kKeyFileBytesMax ? "more than 64 KiB" : error_text(errno)));
}

/// As the server reads `auth.hmac_secret_file`: the line end at its end is none of it.
std::string without_line_end(std::string text) {
  for (const char end : {'\n', '\r'}) {
    if (text.ends_with(end)) {
      text.pop_back();
    }
  }
  return text;
}

Result<auth::JwtSigner, std::string> signer_of(const TokenOptions& options) {
  if (!options.secret.empty()) {
    return auth::JwtSigner::from_secret(options.secret, options.algorithm);
  }
  const std::string& path =
      options.secret_file.empty() ? options.private_key_file : options.secret_file;
  auto text = read_key_file(path);
  if (!text) {
    return Unexpected(text.error());
  }
  if (!options.secret_file.empty()) {
    std::string secret = without_line_end(std::move(*text));
    if (secret.empty()) {
      return Unexpected(path + ": is empty");
    }
    return auth::JwtSigner::from_secret(std::move(secret), options.algorithm);
  }
  auto signer = auth::JwtSigner::from_pem(*text);
  if (!signer) {
    return Unexpected(path + ": " + signer.error());
  }
  return signer;
}

}  // namespace

Result<TokenOptions, std::string> parse_token_options(std::span<const char* const> arguments) {
  TokenOptions options;
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    std::string_view name = arguments[at];
    if (name == "--help" || name == "-h") {
      options.wants_help = true;
      return options;
    }
    std::optional<std::string_view> value;
    if (const std::size_t equals = name.find('='); equals != std::string_view::npos) {
      value = name.substr(equals + 1);
      name = name.substr(0, equals);
    }
    const auto* const row = std::ranges::find(kRows, name, &Row::name);
    if (row == kRows.end()) {
      return usage_error("unknown option " + std::string(name));
    }
    if (!value && ++at == arguments.size()) {
      return usage_error(std::string(name) + " wants a value");
    }
    if (const std::string wrong = row->apply(options, value ? *value : arguments[at]);
        !wrong.empty()) {
      return usage_error(std::string(name) + ": " + wrong);
    }
  }
  if (options.user.empty()) {
    return usage_error("token wants a --user");
  }
  const int keys = static_cast<int>(!options.secret.empty()) +
                   static_cast<int>(!options.secret_file.empty()) +
                   static_cast<int>(!options.private_key_file.empty());
  if (keys != 1) {
    return usage_error("give one of --secret-file, --secret and --private-key");
  }
  return options;
}

std::string token_claims(const TokenOptions& options, WallTime now) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
  std::string claims = R"({"sub":)";
  append_json_string(claims, options.user);
  claims.append(",\"iat\":").append(std::to_string(seconds.count()));
  if (options.expires) {
    claims.append(",\"exp\":").append(std::to_string((seconds + *options.expires).count()));
  }
  append_text(claims, "jti", options.token_id);
  append_text(claims, "aud", options.audience);
  append_text(claims, "iss", options.issuer);
  if (!options.info.empty()) {
    claims.append(",\"info\":").append(options.info);
  }
  append_list(claims, "subscribe", options.subscribe);
  append_list(claims, "publish", options.publish);
  claims.push_back('}');
  return claims;
}

int run_token(std::span<const char* const> arguments) {
  const auto options = parse_token_options(arguments);
  if (!options) {
    note(options.error());
    return 2;
  }
  if (options->wants_help) {
    std::fputs(std::string(kTokenHelp).c_str(), stdout);
    return 0;
  }
  const auto signer = signer_of(*options);
  if (!signer) {
    note(signer.error());
    return 1;
  }
  const std::string token =
      signer->sign(token_claims(*options, SystemClock().wall()), options->kid);
  if (token.empty()) {
    note("the key signs nothing");
    return 1;
  }
  if (token.size() > auth::kTokenBytesMax) {
    note("the token would have more than 8 KiB");
    return 1;
  }
  std::printf("%s\n", token.c_str());
  return 0;
}

}  // namespace wspush::cli
