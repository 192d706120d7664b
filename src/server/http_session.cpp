#include "server/http_session.hpp"

#include "base/logging.hpp"
#include "http/response_writer.hpp"
#include "server/door_label.hpp"

namespace wspush::server {
namespace {

/// Between two requests of one connection, and for the next piece of a chunked body, which may be a
/// feed that says something now and then.
constexpr auto kKeepAliveTime = std::chrono::seconds(75);
constexpr auto kStreamIdleTime = std::chrono::hours(1);

http::HeadLimits head_limits(const config::Limits& limits) {
  return {.head_bytes = limits.header_bytes, .headers = limits.headers};
}

/// A head that was too large, by the limit that it hit.
void count_limit(metrics::ReactorMetrics& metrics, http::HttpFault fault) {
  if (fault == http::HttpFault::kRequestLineTooLong) {
    metrics.limit_hit(metrics::Limit::kRequestLine);
  } else if (fault == http::HttpFault::kHeadTooLarge) {
    metrics.limit_hit(metrics::Limit::kHeaderBytes);
  } else if (fault == http::HttpFault::kTooManyHeaders) {
    metrics.limit_hit(metrics::Limit::kHeaders);
  }
}

}  // namespace

std::string_view limit_message(net::Admission admission) {
  return admission == net::Admission::kTooFast ? "limits.connect_rate_per_ip is reached"
                                               : "limits.connections_per_ip is reached";
}

HttpSession::HttpSession(door::Connection& connection, door::Context& context, Router& router,
                         ClientGate& gate)
    : connection_(connection),
      context_(context),
      router_(router),
      gate_(gate),
      parser_(head_limits(connection.config().limits)) {
  connection_.set_deadline(context_.now + context_.config->handshake.timeout);
}

hub::ReplyTo HttpSession::reply_to(std::uint32_t item) const {
  return {.connection = connection_.handle().packed(),
          .ticket = ticket_,
          .item = item,
          .reactor = context_.reactor};
}

std::size_t HttpSession::on_input(MutableBytes input) {
  if (state_ == State::kAnswered) {
    next_request();
  }
  switch (state_) {
    case State::kHead:
      return take_head(as_view(input));
    case State::kBody:
      return take_body(as_view(input));
    case State::kAnswer:
      // The next request waits for this one's answer. Not sooner than there is one: a client that
      // goes away meanwhile is to be noticed.
      connection_.pause_input();
      return 0;
    case State::kAnswered:
      return 0;
    case State::kEnded:
      return input.size();
  }
  return 0;
}

std::size_t HttpSession::take_head(ByteView input) {
  switch (parser_.parse(input)) {
    case http::HeadStatus::kNeedMore:
      if (!is_head_timed_ && parser_.has_started()) {
        is_head_timed_ = true;
        connection_.set_deadline(context_.now + context_.config->handshake.timeout);
      }
      return 0;
    case http::HeadStatus::kError:
      refuse(parser_.error());
      return input.size();
    case http::HeadStatus::kComplete:
      break;
  }
  const std::size_t head_bytes = parser_.head_bytes();
  has_early_input_ = input.size() > head_bytes;
  begin_request();
  return head_bytes;
}

void HttpSession::begin_request() {
  const http::RequestHead& head = parser_.head();
  ++ticket_;
  version_ = head.version;
  is_head_request_ = head.method == "HEAD";
  keep_alive_ = head.keep_alive;
  is_first_request_ = false;
  const net::Admission admission = gate_.judge_client(connection_.handle(), head);
  if (net::is_refused(admission)) {
    refuse_client(admission);
    return;
  }
  auto target = http::RequestTarget::parse(head.method, head.target);
  if (!target) {
    refuse(http::describe(target.error()));
    return;
  }
  target_ = std::move(*target);
  if (context_.config->log.access) {
    log::info("{} {} {}", peer_address(), head.method, log::quoted(target_.path()));
  }
  body_ = http::BodyReader::for_request(head);
  const bool expects_continue = head.expects_continue;
  const bool is_stream = head.is_chunked;
  state_ = State::kBody;
  Route route = router_.route(*this);
  handler_ = std::move(route.handler);
  replies_ = route.replies;
  handler_->on_head(*this);
  if (state_ != State::kBody) {
    return;
  }
  if (expects_continue) {
    connection_.write(http::kContinueResponse, {});
  }
  connection_.set_deadline(
      context_.now + (is_stream ? Duration(kStreamIdleTime) : context_.config->handshake.timeout));
  take_body({});
}

std::size_t HttpSession::take_body(ByteView input) {
  if (!input.empty()) {
    set_idle_deadline();
  }
  std::size_t used = 0;
  while (state_ == State::kBody) {
    const http::BodyStep step = body_->next(input.substr(used));
    used += step.consumed;
    switch (step.status) {
      case http::BodyStatus::kNeedMore:
        return used;
      case http::BodyStatus::kPiece:
        handler_->on_body(*this, step.piece);
        break;
      case http::BodyStatus::kEnd:
        finish_body();
        return used;
      case http::BodyStatus::kError:
        refuse(body_->error());
        return input.size();
    }
  }
  return used;
}

void HttpSession::finish_body() {
  state_ = State::kAnswer;
  body_.reset();
  connection_.set_deadline(TimePoint::max());
  handler_->on_body_end(*this);
}

void HttpSession::set_idle_deadline() {
  const bool is_stream = parser_.head().is_chunked;
  connection_.set_deadline(
      context_.now + (is_stream ? Duration(kStreamIdleTime) : context_.config->handshake.timeout));
}

void HttpSession::next_request() {
  handler_.reset();
  replies_ = nullptr;
  body_.reset();
  parser_.reset();
  is_head_timed_ = false;
  is_head_request_ = false;
  state_ = State::kHead;
}

http::ResponseContext HttpSession::response_context() const {
  return {.version = version_,
          .is_head_request = is_head_request_,
          .keep_alive = keep_alive_,
          .date = context_.http_dates.at(context_.wall)};
}

void HttpSession::respond(http::Response response) {
  if (state_ == State::kAnswered || state_ == State::kEnded) {
    return;
  }
  // A body that nobody wants to the end would have to be read to find the next request.
  const bool is_body_over =
      state_ == State::kAnswer || !body_ || body_->next({}).status == http::BodyStatus::kEnd;
  response.close = response.close || !is_body_over || !keep_alive_ || context_.is_draining;
  if (frames_ != nullptr) {
    connection_.hold_frames(false);
    frames_ = nullptr;
  }
  identity_.reset();
  std::string text;
  http::append_response(text, response, response_context());
  connection_.write(text, {});
  if (response.close) {
    state_ = State::kEnded;
    connection_.close_after_flush(door::Linger::kForPeer);
    return;
  }
  state_ = State::kAnswered;
  connection_.set_deadline(context_.now + kKeepAliveTime);
  connection_.resume_input();
}

void HttpSession::pause_body() {
  connection_.pause_input();
}

void HttpSession::resume_body() {
  connection_.resume_input();
}

void HttpSession::refuse(const http::HttpError& error) {
  count_limit(context_.metrics, error.fault);
  keep_alive_ = false;
  version_ = http::Version::kHttp11;
  if (connection_.is_public()) {
    context_.metrics.handshake_refused(error.status);
  }
  state_ = State::kAnswer;
  respond(http::error_response(error));
}

void HttpSession::refuse_client(net::Admission admission) {
  context_.metrics.handshake_refused(429);
  keep_alive_ = false;
  http::Response response = http::error_response(429, "rate_limited", limit_message(admission));
  response.headers.emplace_back("Retry-After", std::to_string(1 + context_.random.below(5)));
  state_ = State::kAnswer;
  respond(std::move(response));
}

/// A FIN before the request was whole: who sent it may still read.
void HttpSession::refuse_cut_request() {
  keep_alive_ = false;
  if (connection_.is_public()) {
    context_.metrics.handshake_refused(400);
  }
  state_ = State::kAnswer;
  respond(http::error_response(400, "bad_request", "the connection ended inside of the request"));
}

void HttpSession::upgrade(std::vector<std::pair<std::string, std::string>> headers,
                          std::unique_ptr<door::Session> session) {
  http::Response response{
      .status = 101, .content_type = {}, .body = {}, .headers = std::move(headers)};
  std::string text;
  http::append_response(text, response, response_context());
  state_ = State::kEnded;
  connection_.write(text, {});
  connection_.replace_session(std::move(session));
  connection_.resume_input();
}

void HttpSession::stream(http::Response head, std::unique_ptr<door::Session> session) {
  head.close = true;
  std::string text;
  http::append_stream_head(text, head, response_context());
  state_ = State::kEnded;
  connection_.write(text, {});
  connection_.replace_session(std::move(session));
  connection_.resume_input();
}

void HttpSession::enter(door::DoorKind door) {
  if (connection_.is_public() && door != door_) {
    context_.metrics.connection_moved(label_of(door_), label_of(door));
  }
  door_ = door;
}

void HttpSession::hold_frames(door::FrameSink& sink) {
  frames_ = &sink;
  connection_.hold_frames(true);
}

bool HttpSession::on_gap(const hub::Gap& gap) {
  const bool goes_on = frames_ == nullptr || frames_->on_gap(gap);
  return goes_on && state_ != State::kEnded;
}

void HttpSession::on_withdrawn(ByteView topic) {
  if (frames_ != nullptr) {
    frames_->on_withdrawn(topic);
  }
}

void HttpSession::on_rules_changed() {
  if (frames_ != nullptr) {
    frames_->on_rules_changed();
  }
}

void HttpSession::on_frames() {
  if (frames_ != nullptr) {
    frames_->on_frames();
  }
}

void HttpSession::on_reply(const hub::ReplyTo& to, hub::Reply&& reply) {
  if (to.ticket == ticket_ && replies_ != nullptr &&
      (state_ == State::kBody || state_ == State::kAnswer)) {
    replies_->on_reply(to.item, std::move(reply));
  }
}

void HttpSession::on_input_end() {
  if (state_ == State::kAnswer) {
    // It may have half-closed after its request, and still reads.
    keep_alive_ = false;
    handler_->on_ending(*this);
    return;
  }
  if (state_ == State::kBody || (state_ == State::kHead && parser_.has_started())) {
    refuse_cut_request();
    return;
  }
  state_ = State::kEnded;
  connection_.close_after_flush(door::Linger::kForPeer);
}

void HttpSession::on_deadline(TimePoint /*now*/) {
  const bool has_started = state_ == State::kBody || parser_.has_started();
  if (state_ == State::kAnswer) {
    handler_->on_deadline(*this);
    return;
  }
  if (state_ == State::kEnded) {
    return;
  }
  if (!has_started || state_ == State::kAnswered) {
    if (is_first_request_) {
      context_.metrics.limit_hit(metrics::Limit::kHandshakeTimeout);
    }
    connection_.close_now();
    return;
  }
  context_.metrics.limit_hit(metrics::Limit::kHandshakeTimeout);
  keep_alive_ = false;
  if (connection_.is_public()) {
    context_.metrics.handshake_refused(408);
  }
  state_ = State::kAnswer;
  respond(http::error_response(408, "request_timeout", "the request was not there in time"));
}

void HttpSession::end(door::EndReason reason) {
  switch (reason) {
    case door::EndReason::kGoingAway:
      // One that is being answered goes on; the answer says that it is the last.
      keep_alive_ = false;
      if (state_ == State::kAnswered || (state_ == State::kHead && !parser_.has_started())) {
        state_ = State::kEnded;
        // Of a public one a request may be on its way; an internal one is idle when all is over.
        connection_.close_after_flush(connection_.is_public() ? door::Linger::kForPeer
                                                              : door::Linger::kNo);
      } else if (state_ == State::kBody || state_ == State::kAnswer) {
        handler_->on_ending(*this);
      }
      return;
    case door::EndReason::kTerminated:
    case door::EndReason::kTooSlow:
    case door::EndReason::kInternalError:
    case door::EndReason::kOverload:
      state_ = State::kEnded;
      connection_.close_now();
      return;
  }
}

}  // namespace wspush::server
