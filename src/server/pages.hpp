#pragma once

#include <string_view>

namespace wspush::server {

/// web/demo.html, built into the binary.
extern const std::string_view kDemoPage;

}  // namespace wspush::server
