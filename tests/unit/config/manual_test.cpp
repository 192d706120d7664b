#include <map>
#include <set>

#include "config/config_keys.hpp"
#include "unit/config/load.hpp"

// conf/wspushd.yaml and docs/configuration.md against the table. In the manual each key stands
// either as YAML or as a line `#key: value` without a blank behind the #; lines `# text` are prose.
namespace wspush::config {
namespace {

using testing::IsEmpty;

struct ManualKey {
  std::string path;      ///< as in the table
  std::string brackets;  ///< the line `# [default; allowed; reload]` above it, without the #
  std::string prose;     ///< all comment lines directly above it
};

std::string manual_text() {
  return read_whole(std::string(WSPUSH_SOURCE_DIR) + "/conf/wspushd.yaml");
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end == text.npos ? text.size() : end + 1;
  }
  return lines;
}

/// Takes the # away from the lines that can be taken into use.
std::string uncommented(const std::string& line) {
  const std::size_t start = line.find_first_not_of(' ');
  if (start == line.npos || line[start] != '#' || start + 1 == line.size() ||
      line[start + 1] == ' ') {
    return line;
  }
  return line.substr(0, start) + line.substr(start + 1);
}

std::string manual_in_full() {
  std::string text;
  for (const std::string& line : lines_of(manual_text())) {
    text += uncommented(line) + '\n';
  }
  return text;
}

/// The keys of the manual with the comments above them, by path; of a path that comes twice (a
/// second bridge) the one that has brackets.
std::map<std::string, ManualKey> read_manual() {
  std::map<std::string, ManualKey> keys;
  std::vector<std::pair<std::size_t, std::string>> open;  // indentation and path of each section
  std::string brackets;
  std::string prose;
  for (const std::string& raw : lines_of(manual_text())) {
    const std::string line = uncommented(raw);
    std::size_t indentation = line.find_first_not_of(' ');
    if (indentation == line.npos || line[indentation] == '#') {
      const std::string text = indentation == line.npos ? "" : line.substr(indentation);
      if (text.starts_with("# [")) {
        brackets = text.substr(2);
        prose.clear();
      } else if (text.empty()) {
        brackets.clear();
        prose.clear();
      } else {
        prose += text + '\n';
      }
      continue;
    }
    const bool is_item = line.compare(indentation, 2, "- ") == 0;
    indentation += is_item ? 2U : 0U;
    const std::size_t colon = line.find(':', indentation);
    while (!open.empty() && open.back().first >= indentation) {
      open.pop_back();
    }
    std::string path = open.empty() ? "" : open.back().second;
    if (const KeyRow* const list = find_key(path);
        list != nullptr && list->type == KeyType::kSections) {
      path += "[]";
    }
    path += (path.empty() ? "" : ".") + line.substr(indentation, colon - indentation);
    open.emplace_back(indentation, path);
    if (!keys.contains(path) || (keys[path].brackets.empty() && !brackets.empty())) {
      keys[path] = {path, brackets, prose};
    }
    brackets.clear();
    prose.clear();
  }
  return keys;
}

TEST(Manual, LoadsWithoutFaultsAndNoticesAndIsTheDefault) {
  LoadRequest request;
  request.path = std::string(WSPUSH_SOURCE_DIR) + "/conf/wspushd.yaml";
  const LoadResult result = load_config(request);
  ASSERT_TRUE(result.config) << to_string(result.faults);
  EXPECT_THAT(result.notices, IsEmpty());
  EXPECT_EQ(*result.config, Config{});
}

TEST(Manual, MakesNothingPublicThatWasNotAskedFor) {
  const Config config = *load_text(manual_text()).config;
  for (const Listener& listener : config.listen) {
    EXPECT_TRUE(is_loopback_address(listener.address));
  }
  EXPECT_TRUE(is_loopback_address(config.internal.address));
  EXPECT_FALSE(config.demo);
  EXPECT_FALSE(config.echo);
  EXPECT_THAT(config.origins, testing::ElementsAre("same"));
  for (const TopicRule& rule : config.topics) {
    EXPECT_EQ(rule.publish, Permission::kNobody);
  }
}

TEST(Manual, LoadsWithEveryKeyTakenIntoUse) {
  const LoadResult result = load_text(manual_in_full());
  ASSERT_TRUE(result.config) << to_string(result.faults);
  EXPECT_EQ(result.config->bridges.size(), 2U);
  EXPECT_EQ(result.config->pusher_apps.size(), 1U);
}

TEST(Manual, HasEveryKeyOfTheTableAndNoOther) {
  const std::map<std::string, ManualKey> keys = read_manual();
  for (const KeyRow& row : config_keys()) {
    EXPECT_TRUE(keys.contains(std::string(row.path))) << row.path;
  }
  for (const auto& [path, key] : keys) {
    EXPECT_NE(find_key(path), nullptr) << path;
  }
}

TEST(Manual, SaysOfEveryKeyItsDefaultItsRangeAndWhetherItReloads) {
  for (const auto& [path, key] : read_manual()) {
    const KeyRow& row = *find_key(path);
    if (row.type == KeyType::kSection && row.field == nullptr) {
      continue;
    }
    EXPECT_TRUE(key.brackets.ends_with(row.is_reloadable ? "; reload]" : "; restart]"))
        << path << ": " << key.brackets;
    const std::string first = row.is_required                 ? "required"
                              : row.type == KeyType::kSection ? "absent"
                                                              : default_text(row);
    const bool is_of_a_type =
        path.starts_with("bridges[]") && !key.brackets.starts_with("[" + first);
    EXPECT_TRUE(key.brackets.starts_with("[" + first + ";") || is_of_a_type)
        << path << " (" << first << "): " << key.brackets;
    if (row.type == KeyType::kInteger || row.type == KeyType::kSize ||
        row.type == KeyType::kDuration || row.type == KeyType::kChoice ||
        row.type == KeyType::kBoolean) {
      EXPECT_NE(key.brackets.find("; " + allowed_text(row) + ";"), std::string::npos)
          << path << ": " << key.brackets;
    }
  }
}

TEST(Manual, WritesTheDefaultBehindEveryKeyThatIsNoExample) {
  Config full = *load_text(manual_in_full()).config;
  Slot slot{full};
  for (const KeyRow& row : config_keys()) {
    const std::string path(row.path);
    const bool is_example = row.is_required || row.type == KeyType::kSection ||
                            row.type == KeyType::kSections || path.starts_with("bridges[]") ||
                            path.starts_with("internal.api_keys[]") || path.ends_with("].events");
    if (!is_example) {
      EXPECT_EQ(value_text(row, slot), default_text(row)) << path;
    }
  }
}

TEST(Manual, TellsInTheReferenceTheSameOfEveryKey) {
  const std::string reference =
      read_whole(std::string(WSPUSH_SOURCE_DIR) + "/docs/configuration.md");
  std::set<std::string> expected;
  for (const KeyRow& row : config_keys()) {
    if (row.type == KeyType::kSection && row.field == nullptr) {
      continue;
    }
    const std::string text = row.is_required                 ? "required"
                             : row.type == KeyType::kSection ? "absent"
                                                             : default_text(row);
    std::string allowed = allowed_text(row);
    for (auto at = allowed.find('|'); at != allowed.npos; at = allowed.find('|', at + 2)) {
      allowed.insert(at, "\\");
    }
    const bool is_word = row.is_required || text == "absent" || text == "one item";
    const std::string line = "| `" + std::string(row.path) + "` | " +
                             (is_word ? text : '`' + text + '`') + " | " + allowed + " | " +
                             (row.is_reloadable ? "reload" : "restart") + " | ";
    EXPECT_NE(reference.find('\n' + line), std::string::npos) << line;
    expected.insert(std::string(row.path));
  }
  for (const std::string& line : lines_of(reference)) {
    const std::size_t end = line.find("` | ");
    const bool is_key =
        line.starts_with("| `") &&
        line.find(" | reload | ") + line.find(" | restart | ") != 2 * std::string::npos;
    if (is_key) {
      EXPECT_TRUE(expected.contains(line.substr(3, end - 3))) << line;
    }
  }
}

}  // namespace
}  // namespace wspush::config
