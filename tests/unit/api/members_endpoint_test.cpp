#include "api/members_endpoint.hpp"

#include "unit/api/api_harness.hpp"

namespace wspush::api {
namespace {

class MembersEndpoint : public ApiTest {
 protected:
  MembersEndpoint() {
    config::Config config;
    config.topics = {{.match = "room", .presence = config::Presence::kOn},
                     {.match = "count", .presence = config::Presence::kCount},
                     {.match = "plain"}};
    configure(std::move(config));
  }
  void enter(const std::string& topic, const std::string& user, std::uint32_t slot) {
    ASSERT_TRUE(hub.prepare({&topic, 1}, false, {}));
    ASSERT_TRUE(hub.subscribe({9, slot}, topic,
                              {.role = hub::PresenceRole::kMember,
                               .user = {.name = std::make_shared<const std::string>(user),
                                        .info = std::make_shared<const std::string>()}}));
  }
  Call& ask(const std::string& topic, const std::string& query = "") {
    return send({.path = "/api/topics/" + topic + "/members" + query});
  }
};

TEST_F(MembersEndpoint, ListsMembersPageByPage) {
  enter("room", "a", 1);
  enter("room", "b", 2);
  enter("room", "b", 3);
  EXPECT_EQ(ask("room").text(), R"({"members":[{"user":"a","info":null,"connections":1},)"
                                R"({"user":"b","info":null,"connections":2}],"count":2})");
  const std::string first = ask("room", "?limit=1").text();
  EXPECT_EQ(first,
            R"({"members":[{"user":"a","info":null,"connections":1}],"count":2,"next":"m1"})");
  EXPECT_EQ(ask("room", "?cursor=m1&limit=9999").text(),
            R"({"members":[{"user":"b","info":null,"connections":2}],"count":2})");
  EXPECT_EQ(ask("room", "?cursor=m4294967295").text(), R"({"members":[],"count":2})");
}

TEST_F(MembersEndpoint, GivesTheNumberAloneWhereThatIsTheRule) {
  enter("count", "a", 1);
  EXPECT_EQ(ask("count").text(), R"({"count":1})");
  EXPECT_NE(send({.path = "/api/topics/count"}).text().find(R"("members":1)"), std::string::npos);
}

TEST_F(MembersEndpoint, RefusesWhatCannotBeAnswered) {
  EXPECT_EQ(ask("plain").status(), 400);
  EXPECT_NE(ask("plain").text().find("presence"), std::string::npos);
  EXPECT_EQ(ask("nowhere").status(), 403);
  EXPECT_EQ(ask("room.*").status(), 400);
  for (const char* query : {"?cursor=", "?cursor=1", "?cursor=mx", "?limit=0", "?limit=x"}) {
    EXPECT_EQ(ask("room", query).status(), 400) << query;
  }
}

TEST_F(MembersEndpoint, NeedsAKeyThatMayReadTheTopic) {
  config::Config config;
  config.topics = {{.match = "room", .presence = config::Presence::kOn}};
  config.internal.api_keys = {{.key = "k", .topics = {"news.*"}}};
  configure(std::move(config));
  const Ask question{.path = "/api/topics/room/members", .headers = "Authorization: Bearer k\r\n"};
  EXPECT_EQ(send(question).status(), 403);
}

}  // namespace
}  // namespace wspush::api
