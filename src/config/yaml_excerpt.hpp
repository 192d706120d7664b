#pragma once

#include <string>
#include <string_view>

// The source line below a fault, with a caret under the column.
namespace wspush::config {

/// Line `line` of `text` and, below it, a caret at `column` (both from 1), clipped to 100 bytes.
/// Empty where the line might hold a secret: it stands in a section that has secret keys, and its
/// own key is not known to be harmless. The caller has a broken file in hand, so this looks at
/// lines only, and rather hides too much.
std::string excerpt_of(std::string_view text, int line, int column);

}  // namespace wspush::config
