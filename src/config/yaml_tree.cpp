#include "config/yaml_tree.hpp"

#include <algorithm>
#include <exception>
#include <map>
#include <sstream>
#include <utility>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "base/utf8_sequence.hpp"
#include "config/yaml_excerpt.hpp"

// The tree is built from yaml-cpp's parse events, not from its Node: a Node takes duplicate keys
// without a word, gives an alias the place of its anchor, and expands aliases without bound.
namespace wspush::config {
namespace {

/// Added to every text. yaml-cpp takes a quoted text that the end of input cuts off after a line
/// break; with a comment in place of that end it does not (and elsewhere a comment does nothing).
constexpr std::string_view kEndMark = "\n#";

struct Explanation {
  std::string_view library_says;
  std::string_view meaning;
};

const Explanation kExplanations[] = {
    {YAML::ErrorMsg::MAP_VALUE,
     "a ':' where no key can be; check the indentation, or put the text in quotes"},
    {YAML::ErrorMsg::MAP_KEY, "a key where none can be; check the indentation"},
    {YAML::ErrorMsg::BLOCK_ENTRY, "a '-' where no list item can be; check the indentation"},
    {YAML::ErrorMsg::END_OF_MAP, "the mapping is not continued here; check the indentation"},
    {YAML::ErrorMsg::END_OF_MAP_FLOW, "a '{' is not closed"},
    {YAML::ErrorMsg::END_OF_SEQ, "the list is not continued here; check the indentation"},
    {YAML::ErrorMsg::END_OF_SEQ_FLOW, "a '[' is not closed"},
    {YAML::ErrorMsg::FLOW_END, "a ']' or '}' that closes nothing"},
    {YAML::ErrorMsg::EOF_IN_SCALAR, "a quote is opened and never closed"},
    {YAML::ErrorMsg::UNKNOWN_ANCHOR,
     "an alias without its anchor; a text that begins with '*' needs quotes"},
    {YAML::ErrorMsg::ALIAS_NOT_FOUND, "a text that begins with '*' needs quotes"},
    {YAML::ErrorMsg::ANCHOR_NOT_FOUND, "a text that begins with '&' needs quotes"},
    {YAML::ErrorMsg::UNKNOWN_TOKEN, "a text that begins with this character needs quotes"},
    {YAML::ErrorMsg::BAD_FILE, "nested too deeply"},
};

/// The library's messages can hold a piece of the text behind a colon; it might be a secret.
std::string explain(std::string_view message) {
  message = message.substr(0, message.find(": "));
  const auto* const found = std::ranges::find(kExplanations, message, &Explanation::library_says);
  return std::string(found == std::end(kExplanations) ? message : found->meaning);
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::size_t source, bool has_lines, FaultList& faults)
      : source_(source), has_lines_(has_lines), faults_(faults) {
    root_.at = {source};  // of an empty document, which has no events
  }

  bool has_failed() const { return has_failed_; }
  int documents() const { return documents_; }
  YAML::Mark last_mark() const { return last_mark_; }
  Node take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) {
      fail(mark, "found a second document; allowed: one");
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node;
    node.at = position(mark);
    // The mark of an empty value is that of whatever comes next.
    if (!frames_.empty() && !frames_.back().expects_key &&
        frames_.back().node.kind == NodeKind::kMapping) {
      node.at = frames_.back().key_at;
    }
    add(mark, anchor, std::move(node));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchored_.find(anchor);
    if (found == anchored_.end()) {
      fail(mark, "found an alias inside of what it stands for");
      return;
    }
    const Extent extent = measure(found->second);
    nodes_ += extent.nodes;
    if (nodes_ > kYamlNodesMax || frames_.size() + extent.depth > kYamlDepthMax) {
      fail(mark, "found too many keys and values; allowed: " + std::to_string(kYamlNodesMax));
      return;
    }
    Node copy = found->second;
    copy.at = position(mark);
    add(mark, 0, std::move(copy));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node node;
    node.kind = NodeKind::kScalar;
    node.text = value;
    node.is_quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    node.at = position(mark);
    if (!node.is_quoted) {
      check_tag(mark, tag);
    }
    add(mark, anchor, std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check_tag(mark, tag);
    open(mark, anchor, NodeKind::kSequence);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check_tag(mark, tag);
    open(mark, anchor, NodeKind::kMapping);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Node node;
    YAML::Mark mark;
    YAML::anchor_t anchor = 0;
    bool expects_key = false;
    std::string key;
    Position key_at;
  };
  struct Extent {
    std::size_t nodes = 1;
    std::size_t depth = 1;
  };

  Position position(const YAML::Mark& mark) const {
    return has_lines_ ? Position{source_, mark.line + 1, mark.column + 1} : Position{source_};
  }

  void fail(const YAML::Mark& mark, std::string message) {
    if (!has_failed_) {  // what follows from the first is of no use to anybody
      faults_.add(position(mark), {}, std::move(message));
    }
    has_failed_ = true;
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag != "?" && tag != "!" && !tag.empty()) {
      fail(mark, "found a tag; allowed: plain YAML without tags");
    }
  }

  static Extent measure(const Node& node) {  // recursion: at most kYamlDepthMax deep
    Extent extent;
    const auto include = [&](const Node& child) {
      const Extent inner = measure(child);
      extent.nodes += inner.nodes;
      extent.depth = std::max(extent.depth, inner.depth + 1);
    };
    for (const Node& item : node.items) {
      include(item);
    }
    for (const Entry& entry : node.entries) {
      include(entry.value);
    }
    return extent;
  }

  void open(const YAML::Mark& mark, YAML::anchor_t anchor, NodeKind kind) {
    last_mark_ = mark;
    if (has_failed_) {
      return;
    }
    if (frames_.size() == kYamlDepthMax) {
      fail(mark, "nested too deeply; allowed: " + std::to_string(kYamlDepthMax) + " levels");
      return;
    }
    Frame& frame = frames_.emplace_back();
    frame.node.kind = kind;
    frame.node.at = position(mark);
    frame.mark = mark;
    frame.anchor = anchor;
    frame.expects_key = kind == NodeKind::kMapping;
  }

  void close() {
    if (has_failed_) {
      return;
    }
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    add(frame.mark, frame.anchor, std::move(frame.node));
  }

  void add(const YAML::Mark& mark, YAML::anchor_t anchor, Node node) {
    if (mark.pos > last_mark_.pos) {
      last_mark_ = mark;
    }
    if (++nodes_ > kYamlNodesMax) {
      fail(mark, "found too many keys and values; allowed: " + std::to_string(kYamlNodesMax));
    }
    if (has_failed_) {
      return;
    }
    if (anchor != 0) {
      anchored_[anchor] = node;
    }
    if (frames_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.node.kind == NodeKind::kSequence) {
      frame.node.items.push_back(std::move(node));
    } else if (frame.expects_key) {
      if (node.kind != NodeKind::kScalar) {
        fail(mark, "found a key that is no text");
        return;
      }
      frame.key = std::move(node.text);
      frame.key_at = node.at;
      frame.expects_key = false;
    } else {
      frame.node.entries.push_back({std::move(frame.key), frame.key_at, std::move(node)});
      frame.expects_key = true;
    }
  }

  std::size_t source_;
  bool has_lines_;
  FaultList& faults_;
  Node root_;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, Node> anchored_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
  bool has_failed_ = false;
  YAML::Mark last_mark_;
};

/// Looks for bytes that yaml-cpp would take for something else than they are: control bytes (0x04
/// ends its input without a word), bytes that are not UTF-8 (it passes them on) and tabs in an
/// indentation (its message for them depends on what stands around). The first fault is enough.
bool has_clean_bytes(std::string_view text, std::size_t source, bool has_lines, FaultList& faults) {
  Position at{source, 1, 0};
  bool in_indentation = true;
  int first_tab = 0;
  const auto refuse = [&](int column, std::string message) {
    at.column = column;
    faults.add(has_lines ? at : Position{source}, {}, std::move(message));
    return false;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    ++at.column;
    if (c == '\n') {
      at = {source, at.line + 1, 0};
      in_indentation = true;
      first_tab = 0;
    } else if (c == '\t') {
      first_tab = in_indentation && first_tab == 0 ? at.column : first_tab;
    } else if (static_cast<unsigned char>(c) < 0x20 && c != '\r') {
      return refuse(at.column, "found a control character; allowed: text");
    } else if (c != ' ' && c != '\r') {
      if (in_indentation && first_tab != 0 && c != '#') {
        return refuse(first_tab, "found a tab in the indentation; allowed: spaces");
      }
      const std::size_t length = utf8_sequence_bytes(text.substr(i));
      if (length == 0) {
        return refuse(at.column, "found a byte that is not UTF-8; allowed: text");
      }
      i += length - 1;
      at.column += static_cast<int>(length) - 1;
      in_indentation = false;
    }
  }
  return true;
}

std::size_t offset_of(std::string_view text, int line, int column) {
  std::size_t offset = 0;
  for (int i = 1; i < line; ++i) {
    const auto end = text.find('\n', offset);
    if (end == text.npos) {
      return text.size();
    }
    offset = end + 1;
  }
  return std::min(text.size(), offset + static_cast<std::size_t>(column) - 1);
}

Position position_of(std::string_view text, std::size_t source, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line_start = before.rfind('\n');
  const auto column = line_start == before.npos ? offset : offset - line_start - 1;
  return {source, static_cast<int>(std::ranges::count(before, '\n')) + 1,
          static_cast<int>(column) + 1};
}

/// Where the quote stands that is never closed: the first that can open a text, after what the
/// parser has understood. The library only knows where the file ends.
std::size_t find_open_quote(std::string_view text, std::size_t offset) {
  for (; offset < text.size(); ++offset) {
    if (text[offset] != '"' && text[offset] != '\'') {
      continue;
    }
    const auto before = text.find_last_not_of(' ', offset == 0 ? 0 : offset - 1);
    if (offset == 0 || before == text.npos ||
        std::string_view(":-,[{\n").find(text[before]) != std::string_view::npos) {
      return offset;
    }
  }
  return text.size();
}

void report(const YAML::ParserException& exception, const TreeBuilder& builder,
            std::string_view text, std::size_t source, bool has_lines, FaultList& faults) {
  const std::string message = "bad YAML: " + explain(exception.msg);
  if (!has_lines) {
    faults.add({source}, {}, message);
    return;
  }
  // The mark may lie in what we have added; the end of the text is meant then.
  std::size_t offset = offset_of(text, exception.mark.line + 1, exception.mark.column + 1);
  if (exception.msg == YAML::ErrorMsg::EOF_IN_SCALAR) {
    const YAML::Mark last = builder.last_mark();
    const auto quote = find_open_quote(text, offset_of(text, last.line + 1, last.column + 1));
    offset = std::min(offset, quote);
  }
  const auto content = text.find_last_not_of(" \r\n");
  if (offset >= text.size() && content != text.npos) {
    offset = content + 1;
  }
  const Position at = position_of(text, source, offset);
  faults.add(at, {}, message, excerpt_of(text, at.line, at.column));
}

}  // namespace

std::optional<Node> parse_yaml(std::string_view text, std::size_t source, bool has_lines,
                               FaultList& faults) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    text.remove_prefix(kByteOrderMark.size());
  }
  if (!has_clean_bytes(text, source, has_lines, faults)) {
    return std::nullopt;
  }
  TreeBuilder builder(source, has_lines, faults);
  try {
    std::istringstream stream(std::string(text) + std::string(kEndMark));
    YAML::Parser parser(stream);
    while (!builder.has_failed() && parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::ParserException& exception) {
    if (!builder.has_failed()) {
      report(exception, builder, text, source, has_lines, faults);
    }
    return std::nullopt;
  } catch (const std::exception&) {  // none is known; a library's surprise must not end a reload
    faults.add({source}, {}, "bad YAML: the parser gave up");
    return std::nullopt;
  }
  if (builder.has_failed()) {
    return std::nullopt;
  }
  return builder.take_root();
}

}  // namespace wspush::config
