#include "door/credentials.hpp"

#include <gmock/gmock.h>

#include "http/request_parser.hpp"
#include "unit/auth/test_keys.hpp"
#include "unit/door/session_rig.hpp"

namespace wspush::door {
namespace {

using test::SessionRig;

/// A request with its head's text.
class Request {
 public:
  explicit Request(const std::string& headers, const std::string& target = "/ws")
      : text_("GET " + target + " HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n") {
    EXPECT_EQ(parser_.parse(text_), http::HeadStatus::kComplete) << text_;
    auto parsed = http::RequestTarget::parse("GET", parser_.head().target);
    EXPECT_TRUE(parsed.has_value());
    target_ = std::move(*parsed);
  }

  const http::RequestHead& head() const { return parser_.head(); }
  const http::RequestTarget& target() const { return target_; }

 private:
  std::string text_;
  http::RequestHeadParser parser_{{.head_bytes = 16384, .headers = 100}};
  http::RequestTarget target_;
};

std::string token_in(const std::string& headers, const std::string& target = "/ws",
                     ByteView cookie = "token") {
  const Request request(headers, target);
  return find_token(request.head(), request.target(), cookie).value_or("none");
}

TEST(FindToken, LooksWhereATokenMayStand) {
  EXPECT_EQ(token_in(""), "none");
  EXPECT_EQ(token_in("Authorization: Bearer a.b.c\r\n"), "a.b.c");
  EXPECT_EQ(token_in("authorization: bearer   a.b.c  \r\n"), "a.b.c");
  EXPECT_EQ(token_in("", "/ws?x=1&token=a.b.c"), "a.b.c");
  EXPECT_EQ(token_in("", "/ws?token=a%2Eb.c"), "a.b.c");
  EXPECT_EQ(token_in("Cookie: x=1; token=a.b.c; y=2\r\n"), "a.b.c");
  EXPECT_EQ(token_in("Cookie: token=\"a.b.c\"\r\n"), "a.b.c");
  EXPECT_EQ(token_in("Cookie: x=1\r\nCookie: token=a.b.c\r\n"), "a.b.c");
  EXPECT_EQ(token_in("Sec-WebSocket-Protocol: wspush.v1, bearer.a.b.c\r\n"), "a.b.c");
  EXPECT_EQ(token_in("Sec-WebSocket-Protocol: wspush.v1\r\n"
                     "Sec-WebSocket-Protocol: bearer.a.b.c\r\n"),
            "a.b.c");
}

TEST(FindToken, TakesTheFirstOfThem) {
  const std::string header = "Authorization: Bearer h\r\n";
  const std::string cookie = "Cookie: token=c\r\n";
  const std::string subprotocol = "Sec-WebSocket-Protocol: bearer.s\r\n";
  EXPECT_EQ(token_in(subprotocol + cookie + header, "/ws?token=q"), "h");
  EXPECT_EQ(token_in(subprotocol + cookie, "/ws?token=q"), "q");
  EXPECT_EQ(token_in(subprotocol + cookie), "c");
  EXPECT_EQ(token_in(subprotocol), "s");
}

TEST(FindToken, TakesWhatIsEmptyForNone) {
  EXPECT_EQ(token_in("Authorization: Bearer \r\nCookie: token=\r\n"
                     "Sec-WebSocket-Protocol: bearer.\r\n",
                     "/ws?token="),
            "none");
  EXPECT_EQ(token_in("Authorization: Bearer\r\nCookie: token=c\r\n", "/ws?token="), "c");
}

TEST(FindToken, LeavesWhatIsForSomebodyElse) {
  EXPECT_EQ(token_in("Authorization: Basic YTpi\r\nCookie: token=c\r\n"), "c");
  EXPECT_EQ(token_in("Authorization: BearerX\r\n"), "none");
  EXPECT_EQ(token_in("Cookie: Token=c; xtoken=c; token\r\n"), "none") << "names have case";
  EXPECT_EQ(token_in("Cookie: token=c\r\n", "/ws", ""), "none") << "no cookie is configured";
  EXPECT_EQ(token_in("Cookie: =c\r\n", "/ws", ""), "none");
  EXPECT_EQ(token_in("", "/ws?Token=q"), "none");
}

class Credentials : public SessionRig {
 protected:
  Credentials() {
    start();
    context_->authenticator.use(std::make_shared<auth::JwtVerifier>(auth::test::hmac_verifier()));
    context_->wall = WallTime(std::chrono::seconds(1000));
  }
  std::string token(const std::string& claims) { return auth::test::hmac_signer().sign(claims); }
  Result<auth::IdentityRef, Refusal> who(const std::string& headers) {
    const Request request(headers);
    return identify(*context_, request.head(), request.target());
  }
  std::string refusal(const auth::Identity* identity, ByteView topic) {
    const auto found = refusal_to_subscribe(*context_, identity, topic);
    return found ? std::to_string(found->status()) + ' ' + std::string(name_of(found->error))
                 : "none";
  }
};

TEST_F(Credentials, AreThoseOfTheRequest) {
  const auto anonymous = who("");
  ASSERT_TRUE(anonymous);
  EXPECT_EQ(*anonymous, nullptr);
  const auto user = who("Authorization: Bearer " + token(R"({"sub":"u"})") + "\r\n");
  ASSERT_TRUE(user);
  EXPECT_EQ((*user)->user, "u");
}

TEST_F(Credentials, ThatAreBadAreRefused) {
  const auto bad = who("Authorization: Bearer a.b.c\r\n");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().error, CommandError::kUnauthenticated);
  const auto late = who("Authorization: Bearer " + token(R"({"sub":"u","exp":1000})") + "\r\n");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().error, CommandError::kTokenExpired);
  const http::Response response = response_of(late.error());
  EXPECT_EQ(response.status, 401);
  EXPECT_THAT(response.body, testing::HasSubstr(R"("code":"token_expired")"));
  EXPECT_THAT(response.headers, testing::ElementsAre(testing::Pair("WWW-Authenticate", "Bearer")));
  context_->authenticator.use(nullptr);
  EXPECT_FALSE(who("Authorization: Bearer " + token(R"({"sub":"u"})") + "\r\n"))
      << "without keys no token is good";
}

TEST_F(Credentials, ThatAreTooLargeAreCounted) {
  EXPECT_FALSE(check_token(*context_, std::string(8193, 'a')));
  EXPECT_EQ(limit_hits(metrics::Limit::kToken), 1U);
  EXPECT_FALSE(
      check_token(*context_, token(R"({"sub":"u","info":")" + std::string(1024, 'i') + R"("})")));
  EXPECT_EQ(limit_hits(metrics::Limit::kMemberInfo), 1U);
}

TEST_F(Credentials, SayWhyNotToSubscribe) {
  auth::Identity user;
  user.user = "u";
  EXPECT_EQ(refusal(nullptr, "open.a"), "none");
  EXPECT_EQ(refusal(nullptr, "users.a"), "401 unauthenticated");
  EXPECT_EQ(refusal(&user, "users.a"), "none");
  EXPECT_EQ(refusal(&user, "users.>"), "none");
  EXPECT_EQ(refusal(&user, "closed"), "403 forbidden");
  EXPECT_EQ(refusal(nullptr, "closed"), "403 forbidden");
  config_->auth.required = true;
  EXPECT_EQ(refusal(nullptr, "open.a"), "401 unauthenticated");
  EXPECT_EQ(refusal(&user, "open.a"), "none");
  ASSERT_TRUE(context_->authenticator.revocations().revoke_user(
      "u", context_->wall, now_ + std::chrono::hours(1), now_));
  EXPECT_EQ(refusal(&user, "open.a"), "401 unauthenticated");
  EXPECT_FALSE(check_token(*context_, token(R"({"sub":"u"})")));
  EXPECT_TRUE(check_token(*context_, token(R"({"sub":"u","iat":1000})")));
}

}  // namespace
}  // namespace wspush::door
