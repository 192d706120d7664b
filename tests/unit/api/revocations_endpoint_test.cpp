#include "api/revocations_endpoint.hpp"

#include "unit/api/api_harness.hpp"

namespace wspush::api {
namespace {

class RevocationsEndpoint : public ApiTest {
 protected:
  Call& revoke(const std::string& body) {
    return send(
        {.method = "POST", .path = "/api/revocations", .type = "application/json", .body = body});
  }
};

TEST_F(RevocationsEndpoint, RevokesAUserForADayWhereNothingElseIsSaid) {
  Call& call = revoke(R"({"user":"u\u0031"})");
  EXPECT_EQ(call.status(), 204);
  EXPECT_EQ(call.text(), "");
  ASSERT_EQ(server.revocations.size(), 1U);
  EXPECT_EQ(server.revocations[0].user, "u1");
  EXPECT_EQ(server.revocations[0].token_id, "");
  EXPECT_EQ(server.revocations[0].lasts, std::chrono::hours(24));
}

TEST_F(RevocationsEndpoint, RevokesATokenForAsLongAsIsSaid) {
  EXPECT_EQ(revoke(R"({"jti":"t","expires_in":60,"else":1})").status(), 204);
  ASSERT_EQ(server.revocations.size(), 1U);
  EXPECT_EQ(server.revocations[0].user, "");
  EXPECT_EQ(server.revocations[0].token_id, "t");
  EXPECT_EQ(server.revocations[0].lasts, std::chrono::seconds(60));
  EXPECT_EQ(revoke(R"({"jti":"t","expires_in":31622400})").status(), 204);
}

TEST_F(RevocationsEndpoint, RefusesWhatIsNoRevocation) {
  for (const std::string body :
       {"", "{", "[]", "\"u\"", "{}", R"({"user":""})", R"({"user":7})", R"({"user":null})",
        R"({"user":"u","jti":"t"})", R"({"jti":["t"]})", R"({"user":"u","expires_in":0})",
        R"({"user":"u","expires_in":-1})", R"({"user":"u","expires_in":1.0})",
        R"({"user":"u","expires_in":"60"})", R"({"user":"u","expires_in":31622401})",
        R"({"user":"u","expires_in":null})", "{\"user\":\"\xff\"}"}) {
    Call& call = revoke(body);
    EXPECT_EQ(call.status(), 400) << body;
    EXPECT_EQ(code_in(call.text()), "bad_request") << body;
  }
  EXPECT_EQ(revoke(R"({"user":")" + std::string(255, 'u') + R"("})").status(), 204);
  EXPECT_EQ(revoke(R"({"user":")" + std::string(256, 'u') + R"("})").status(), 400);
  EXPECT_EQ(server.revocations.size(), 1U);
}

TEST_F(RevocationsEndpoint, SaysWhenNoMoreAreKept) {
  server.has_room = false;
  Call& call = revoke(R"({"user":"u"})");
  EXPECT_EQ(call.status(), 429);
  EXPECT_EQ(code_in(call.text()), "limit_exceeded");
}

TEST_F(RevocationsEndpoint, AnswersWhenItIsInForceAndWrittenDownWhicheverComesFirst) {
  server.is_disk_first = true;
  EXPECT_EQ(revoke(R"({"user":"u"})").status(), 204);
}

TEST_F(RevocationsEndpoint, SaysWhenARestartWouldForgetIt) {
  server.kept = hub::HubError::kUnavailable;
  for (const bool is_disk_first : {false, true}) {
    server.is_disk_first = is_disk_first;
    Call& call = revoke(R"({"user":"u"})");
    EXPECT_EQ(call.status(), 503);
    EXPECT_EQ(code_in(call.text()), "unavailable");
  }
}

TEST_F(RevocationsEndpoint, RefusesABodyThatIsTooLarge) {
  EXPECT_EQ(revoke(R"({"user":"u","else":")" + std::string(20'000, 'x') + R"("})").status(), 413);
}

}  // namespace
}  // namespace wspush::api
