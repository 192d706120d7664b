#include "http/http_fault.hpp"

#include <gtest/gtest.h>

#include "http/status.hpp"

namespace wspush::http {
namespace {

TEST(HttpFault, HasAWholeRowForEachFault) {
  for (int value = 0; value <= static_cast<int>(kLastHttpFault); ++value) {
    const HttpError& error = describe(static_cast<HttpFault>(value));
    EXPECT_EQ(static_cast<int>(error.fault), value);
    EXPECT_GE(error.status, 400) << value;
    EXPECT_NE(reason_phrase(error.status), "Unknown") << value;
    EXPECT_EQ(error.code, default_error_code(error.status)) << value;
    EXPECT_FALSE(error.message.empty()) << value;
    EXPECT_TRUE(error.source.starts_with("RFC ")) << value;
  }
}

TEST(Status, HasPhrasesAndCodes) {
  EXPECT_EQ(reason_phrase(101), "Switching Protocols");
  EXPECT_EQ(reason_phrase(404), "Not Found");
  EXPECT_EQ(reason_phrase(299), "Unknown");
  EXPECT_EQ(default_error_code(401), "unauthenticated");
  EXPECT_EQ(default_error_code(418), "bad_request");
  EXPECT_EQ(default_error_code(500), "internal_error");
  EXPECT_EQ(default_error_code(599), "internal_error");
}

TEST(Status, KnowsWhichHaveNoBody) {
  for (int status = 100; status < 600; ++status) {
    EXPECT_EQ(status_allows_body(status), status >= 200 && status != 204 && status != 304)
        << status;
  }
}

}  // namespace
}  // namespace wspush::http
