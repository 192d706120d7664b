#include "api/health_endpoint.hpp"

#include "unit/api/api_harness.hpp"

namespace wspush::api {
namespace {

class HealthEndpoint : public ApiTest {};

TEST_F(HealthEndpoint, IsAliveAlsoWhenItIsNotReady) {
  EXPECT_EQ(send({.path = "/healthz"}).text(), R"({"status":"ok"})");
  EXPECT_EQ(send({.path = "/readyz"}).text(), R"({"status":"ready"})");
  server.ready = false;
  EXPECT_EQ(send({.path = "/healthz"}).status(), 200);
  Call& call = send({.path = "/readyz"});
  EXPECT_EQ(call.status(), 503);
  EXPECT_EQ(call.text(), R"({"status":"not_ready"})");
  EXPECT_EQ(send({.method = "HEAD", .path = "/readyz"}).status(), 503);
}

TEST_F(HealthEndpoint, ShowsMetricsAsAskedFor) {
  Call& call = send({.path = "/metrics", .headers = "Accept: a/b\r\nAccept: c/d;q=0.5\r\n"});
  EXPECT_EQ(call.status(), 200);
  EXPECT_EQ(call.exchange.response->content_type, "text/plain; version=0.0.4");
  EXPECT_EQ(call.text(), "accepts a/b, c/d;q=0.5\n");
  EXPECT_EQ(send({.method = "HEAD", .path = "/metrics"}).status(), 200);
}

}  // namespace
}  // namespace wspush::api
