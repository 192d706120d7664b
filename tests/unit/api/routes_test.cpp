#include "api/routes.hpp"

#include "unit/api/api_harness.hpp"

namespace wspush::api {
namespace {

class Routes : public ApiTest {
 protected:
  void use_keys() {
    config::Config config;
    config.internal.api_keys = {
        {.key = "all"},
        {.key = "reader", .topics = {}, .can_publish = false},
        {.key = "writer", .topics = {}, .can_publish = true, .can_read = false},
        {.key = "news", .topics = {"news.>"}},
    };
    configure(std::move(config));
  }

  Call& ask_as(const std::string& key, const std::string& method, const std::string& path) {
    const bool has_body = method == "POST";
    return send(
        {.method = method,
         .path = path,
         .type = has_body ? (path == "/api/messages" ? "application/json" : "text/plain") : "",
         .headers = key.empty() ? "" : "Authorization: Bearer " + key + "\r\n",
         .body = has_body ? R"({"messages":[]})" : ""});
  }
};

TEST_F(Routes, AnswerUnknownPathsWith404) {
  for (const char* path :
       {"/", "/x", "/api", "/api/", "/api/x", "/api/topics/a/b", "/api/topics/a/messages/",
        "/healthz/", "/healthz/x", "/api/users/u", "/api/connections/a/b", "/API/topics",
        // Not there yet.
        "/apps/1/events"}) {
    Call& call = send({.path = path});
    EXPECT_EQ(call.status(), 404) << path;
    EXPECT_EQ(code_in(call.text()), "not_found") << path;
  }
}

TEST_F(Routes, AnswerUnknownMethodsWith405AndThoseThereAre) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"/healthz", "GET, HEAD"},
      {"/readyz", "GET, HEAD"},
      {"/metrics", "GET, HEAD"},
      {"/api/messages", "POST"},
      {"/api/topics", "GET"},
      {"/api/topics/a", "GET"},
      {"/api/topics/a/messages", "GET, POST, DELETE"},
      {"/api/connections", "GET"},
      {"/api/connections/a", "GET, DELETE"},
      {"/api/users/u/connections", "DELETE"},
  };
  for (const auto& [path, allow] : rows) {
    Call& call = send({.method = "PATCH", .path = path});
    EXPECT_EQ(call.status(), 405) << path;
    EXPECT_EQ(call.header("Allow"), allow) << path;
    EXPECT_EQ(code_in(call.text()), "method_not_allowed") << path;
  }
  EXPECT_EQ(send({.method = "HEAD", .path = "/api/topics"}).status(), 405);
  EXPECT_EQ(send({.method = "get", .path = "/healthz"}).status(), 405);
}

TEST_F(Routes, GuardEveryPathAgainstPages) {
  for (const char* path : {"/healthz", "/metrics", "/api/topics", "/", "/nothing"}) {
    EXPECT_EQ(send({.path = path, .host = "evil.example"}).status(), 403) << path;
    EXPECT_EQ(send({.path = path, .headers = "Origin: http://evil.example\r\n"}).status(), 403)
        << path;
  }
  EXPECT_EQ(send({.path = "/api/topics", .headers = "Origin: http://127.0.0.1:8081\r\n"}).status(),
            200);
}

TEST_F(Routes, WantAKeyForTheApiOnly) {
  use_keys();
  for (const char* path : {"/healthz", "/readyz", "/metrics"}) {
    EXPECT_EQ(send({.path = path, .is_loopback = false}).status(), 200) << path;
  }
  for (const char* path : {"/api/topics", "/api/topics/a", "/api/nothing", "/api"}) {
    Call& call = send({.path = path});
    EXPECT_EQ(call.status(), 401) << path;
    EXPECT_EQ(call.header("WWW-Authenticate"), "Bearer") << path;
    EXPECT_EQ(code_in(call.text()), "unauthenticated") << path;
  }
}

TEST_F(Routes, WithoutKeysTheApiAnswersLoopbackPeersOnly) {
  EXPECT_EQ(send({.path = "/api/topics"}).status(), 200);
  EXPECT_EQ(send({.path = "/api/topics", .is_loopback = false}).status(), 403);
}

TEST_F(Routes, HoldEachKeyToItsRights) {
  use_keys();
  struct Row {
    const char* method;
    const char* path;
    int all, reader, writer, news;
  };
  // 404: it was let through, and there is no such connection.
  constexpr Row kRows[] = {
      {"POST", "/api/topics/news.a/messages", 201, 403, 201, 201},
      {"POST", "/api/topics/chat/messages", 201, 403, 201, 403},
      {"POST", "/api/messages", 200, 403, 200, 200},
      {"DELETE", "/api/topics/news.a/messages", 204, 403, 204, 204},
      {"DELETE", "/api/topics/chat/messages", 204, 403, 204, 403},
      {"GET", "/api/topics/news.a/messages", 200, 200, 403, 200},
      {"GET", "/api/topics/chat/messages", 200, 200, 403, 403},
      {"GET", "/api/topics/news.a", 200, 200, 403, 200},
      {"GET", "/api/topics/chat", 200, 200, 403, 403},
      {"GET", "/api/topics", 200, 200, 403, 200},
      {"GET", "/api/connections", 200, 200, 403, 403},
      {"GET", "/api/connections/x", 404, 404, 403, 403},
      {"DELETE", "/api/connections/x", 404, 403, 404, 403},
      {"DELETE", "/api/users/u/connections", 204, 403, 204, 403},
  };
  for (const Row& row : kRows) {
    const std::string what = std::string(row.method) + " " + row.path;
    EXPECT_EQ(ask_as("", row.method, row.path).status(), 401) << what;
    EXPECT_EQ(ask_as("all", row.method, row.path).status(), row.all) << what;
    EXPECT_EQ(ask_as("reader", row.method, row.path).status(), row.reader) << what;
    EXPECT_EQ(ask_as("writer", row.method, row.path).status(), row.writer) << what;
    EXPECT_EQ(ask_as("news", row.method, row.path).status(), row.news) << what;
  }
}

TEST_F(Routes, JudgeTheTopicOfEveryPathThatNamesOne) {
  config::Config config;
  config.topics = {config::TopicRule{.match = "news.>"}};
  config.limits.topic_bytes = 10;
  configure(std::move(config));
  struct Row {
    const char* topic;
    int status;
    const char* code;
  };
  constexpr Row kRows[] = {
      {"", 400, "bad_topic"},           {"a..b", 400, "bad_topic"},
      {"news.*", 400, "bad_topic"},     {"news.%3E", 400, "bad_topic"},
      {"a%20b", 400, "bad_topic"},      {"a%2Fb", 400, "bad_topic"},
      {"a%00b", 400, "bad_topic"},      {"news.%FF", 400, "bad_topic"},
      {"sports", 403, "forbidden"},     {"news.123456", 400, "bad_topic"},
      {"news%2E%C3", 400, "bad_topic"},
  };
  for (const Row& row : kRows) {
    const std::string base = "/api/topics/" + std::string(row.topic);
    for (const auto& [method, path] :
         std::vector<std::pair<std::string, std::string>>{{"GET", base},
                                                          {"GET", base + "/messages"},
                                                          {"DELETE", base + "/messages"},
                                                          {"POST", base + "/messages"}}) {
      Call& call = send({.method = method, .path = path});
      EXPECT_EQ(call.status(), row.status) << method << " " << path;
      EXPECT_EQ(code_in(call.text()), row.code) << method << " " << path;
    }
  }
  EXPECT_EQ(limit_hits(metrics::Limit::kTopicBytes), 4U);
  EXPECT_EQ(send({.path = "/api/topics/news.12345"}).status(), 200);
  EXPECT_EQ(send({.path = "/api/topics/n%65ws%2E%C3%A9"}).status(), 200);
}

}  // namespace
}  // namespace wspush::api
