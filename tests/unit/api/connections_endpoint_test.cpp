#include "api/connections_endpoint.hpp"

#include "unit/api/api_harness.hpp"

namespace wspush::api {
namespace {

class ConnectionsEndpoint : public ApiTest {
 protected:
  ConnectionsEndpoint() {
    server.connections = {
        {.id = "b2",
         .user = "u\"1",
         .door = "wspush.v1",
         .address = "::1",
         .since = WallTime(std::chrono::milliseconds(1500)),
         .topics = 3,
         .queued_bytes = 17},
        {.id = "a1", .user = "", .door = "raw", .address = "10.0.0.1", .since = WallTime()},
    };
  }
};

constexpr const char* kFirst = R"({"id":"a1","user":null,"door":"raw","address":"10.0.0.1",)"
                               R"("since":"1970-01-01T00:00:00.000Z","topics":0,"queued_bytes":0})";
constexpr const char* kSecond =
    R"({"id":"b2","user":"u\"1","door":"wspush.v1","address":"::1",)"
    R"("since":"1970-01-01T00:00:01.500Z","topics":3,"queued_bytes":17})";

TEST_F(ConnectionsEndpoint, ListsTheOldestFirst) {
  EXPECT_EQ(send({.path = "/api/connections"}).text(),
            R"({"connections":[)" + std::string(kFirst) + "," + kSecond + "]}");
  EXPECT_EQ(server.asked, "connections of anybody, 1000");
  EXPECT_EQ(send({.path = "/api/connections?user=u%201&limit=20000"}).status(), 200);
  EXPECT_EQ(server.asked, "connections of u 1, 10000");
  EXPECT_EQ(send({.path = "/api/connections?user="}).status(), 200);
  EXPECT_EQ(server.asked, "connections of anybody, 1000");
  server.connections.clear();
  EXPECT_EQ(send({.path = "/api/connections"}).text(), R"({"connections":[]})");
}

TEST_F(ConnectionsEndpoint, RefusesWhatIsNoUserOrLimit) {
  EXPECT_EQ(send({.path = "/api/connections?user=%FF"}).status(), 400);
  EXPECT_EQ(send({.path = "/api/connections?limit=0"}).status(), 400);
  EXPECT_EQ(send({.method = "DELETE", .path = "/api/users/%FF/connections"}).status(), 400);
  EXPECT_EQ(send({.method = "DELETE", .path = "/api/users//connections"}).status(), 400);
}

TEST_F(ConnectionsEndpoint, ShowsOne) {
  EXPECT_EQ(send({.path = "/api/connections/b2"}).text(), kSecond);
  Call& unknown = send({.path = "/api/connections/c3"});
  EXPECT_EQ(unknown.status(), 404);
  EXPECT_EQ(code_in(unknown.text()), "not_found");
}

TEST_F(ConnectionsEndpoint, EndsOneOrThoseOfAUser) {
  Call& ended = send({.method = "DELETE", .path = "/api/connections/a1"});
  EXPECT_EQ(ended.status(), 204);
  EXPECT_EQ(ended.text(), "");
  EXPECT_EQ(send({.method = "DELETE", .path = "/api/connections/a1"}).status(), 404);
  EXPECT_EQ(send({.method = "DELETE", .path = "/api/users/nobody/connections"}).status(), 204);
  ASSERT_EQ(server.connections.size(), 1U);
  EXPECT_EQ(send({.method = "DELETE", .path = "/api/users/u%221/connections"}).status(), 204);
  EXPECT_TRUE(server.connections.empty());
}

}  // namespace
}  // namespace wspush::api
