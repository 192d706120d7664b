#include <cstdio>
#include <string>

#include "load/http_answer.hpp"
#include "load/payload.hpp"
#include "load/publisher.hpp"
#include "load/wire.hpp"

namespace wspush::load {
namespace {

class HttpPublisher final : public PublisherProtocol {
 public:
  explicit HttpPublisher(const Options& options)
      : options_(options), is_one_each_(options.scenario == Scenario::kPublish) {}

  const Target& target() const override { return *options_.api; }
  std::string opening() const override { return {}; }
  bool is_ready() const override { return true; }
  void append(std::string& out, std::uint64_t first, std::size_t count) override;
  bool take(std::string_view input, std::string& reply, std::string& why) override;
  std::uint64_t owed() const override { return requests_ - answers_; }

 private:
  void append_single(std::string& out, std::uint64_t sequence);
  void append_batch(std::string& out, std::uint64_t first, std::size_t count);

  const Options& options_;
  bool is_one_each_;
  std::string unread_;
  std::string payload_;  // scratch, as the next
  std::string body_;
  std::uint64_t requests_ = 0;
  std::uint64_t answers_ = 0;
};

void HttpPublisher::append(std::string& out, std::uint64_t first, std::size_t count) {
  if (count > 1 && !is_one_each_) {
    append_batch(out, first, count);
    return;
  }
  for (std::uint64_t sequence = first; sequence < first + count; ++sequence) {
    append_single(out, sequence);
  }
}

void HttpPublisher::append_single(std::string& out, std::uint64_t sequence) {
  payload_.clear();
  append_payload(payload_, sequence, options_.payload_bytes, options_.payload_kind);
  append_post_head(
      out, options_, "/api/topics/" + options_.topic + "/messages",
      options_.payload_kind == PayloadKind::kRandom ? "application/octet-stream" : "text/plain",
      "Content-Length: " + std::to_string(payload_.size()));
  out.append(payload_);
  ++requests_;
}

void HttpPublisher::append_batch(std::string& out, std::uint64_t first, std::size_t count) {
  body_ = R"({"messages":[)";
  for (std::uint64_t sequence = first; sequence < first + count; ++sequence) {
    body_ += sequence == first ? "" : ",";
    append_json_entry(body_, options_.topic, sequence, options_.payload_bytes,
                      options_.payload_kind);
  }
  body_ += "]}";
  append_post_head(out, options_, "/api/messages", "application/json",
                   "Content-Length: " + std::to_string(body_.size()));
  out.append(body_);
  ++requests_;
}

bool HttpPublisher::take(std::string_view input, std::string& /*reply*/, std::string& why) {
  unread_.append(input);
  std::string_view left = unread_;
  HttpAnswer answer;
  HttpStatus status = HttpStatus::kNeedMore;
  while ((status = take_http_answer(left, answer)) == HttpStatus::kWhole) {
    if (!answer.is_success() || answer.body.find("\"error\"") != std::string_view::npos) {
      count_errors(1, answer.summary());
    }
    ++answers_;
  }
  unread_.erase(0, unread_.size() - left.size());
  why = "an answer without a usable Content-Length";
  return status != HttpStatus::kRefused;
}

/// The body is one chunk for each write.
class NdjsonPublisher final : public PublisherProtocol {
 public:
  explicit NdjsonPublisher(const Options& options) : options_(options) {}

  const Target& target() const override { return *options_.api; }
  std::string opening() const override { return {}; }
  bool is_ready() const override { return true; }
  void append(std::string& out, std::uint64_t first, std::size_t count) override;
  void append_end(std::string& out) override;
  bool take(std::string_view input, std::string& reply, std::string& why) override;
  std::uint64_t owed() const override { return published_ - answered_; }
  bool is_answered() const override { return false; }

 private:
  const Options& options_;
  bool is_in_request_ = false;
  std::string unread_;
  std::string lines_;  // scratch
  std::uint64_t published_ = 0;
  std::uint64_t answered_ = 0;
};

void NdjsonPublisher::append(std::string& out, std::uint64_t first, std::size_t count) {
  if (!is_in_request_) {
    is_in_request_ = true;
    append_post_head(out, options_, "/api/messages", "application/x-ndjson",
                     "Transfer-Encoding: chunked");
  }
  lines_.clear();
  for (std::uint64_t sequence = first; sequence < first + count; ++sequence) {
    append_json_entry(lines_, options_.topic, sequence, options_.payload_bytes,
                      options_.payload_kind);
    lines_ += '\n';
  }
  char size[24];
  std::snprintf(size, sizeof size, "%zx\r\n", lines_.size());
  out.append(size).append(lines_).append("\r\n");
  published_ += count;
}

void NdjsonPublisher::append_end(std::string& out) {
  if (is_in_request_) {
    is_in_request_ = false;
    out.append("0\r\n\r\n");
  }
}

bool NdjsonPublisher::take(std::string_view input, std::string& /*reply*/, std::string& why) {
  unread_.append(input);
  std::string_view left = unread_;
  HttpAnswer answer;
  HttpStatus status = HttpStatus::kNeedMore;
  while ((status = take_http_answer(left, answer)) == HttpStatus::kWhole) {
    if (!answer.is_success() || is_in_request_) {
      why = answer.summary();  // An answer before the end of the body is a refusal of it.
      return false;
    }
    const std::uint64_t failed = find_json_number(answer.body, "failed");
    if (failed > 0) {
      count_errors(failed, answer.summary());
    }
    answered_ += find_json_number(answer.body, "published") + failed;
  }
  unread_.erase(0, unread_.size() - left.size());
  why = "an answer without a usable Content-Length";
  return status != HttpStatus::kRefused;
}

}  // namespace

std::unique_ptr<PublisherProtocol> make_http_publisher(const Options& options) {
  return std::make_unique<HttpPublisher>(options);
}

std::unique_ptr<PublisherProtocol> make_ndjson_publisher(const Options& options) {
  return std::make_unique<NdjsonPublisher>(options);
}

}  // namespace wspush::load
