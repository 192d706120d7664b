#include "fuzz/door_world.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "door/wire_forms.hpp"
#include "fuzz/fuzz.hpp"

namespace wspush::fuzz {
namespace {

constexpr auto kCloseTime = std::chrono::seconds(5);
constexpr std::size_t kGatherBytes = 4'096;
/// Rounds of a turn: each carries mail one step; a world of one client comes to rest before.
constexpr int kRoundsMax = 1'000;

}  // namespace

// --- the connection

FuzzConnection::FuzzConnection(DoorWorld& world, std::shared_ptr<const config::Config> config)
    : world_(world), config_(std::move(config)), last_heard_(world.now()), last_sent_(world.now()) {
}

door::Context& FuzzConnection::context() const {
  return world_.context();
}

void FuzzConnection::write(ByteView head, ByteView body) {
  if (state_ != State::kOpen) {
    return;
  }
  const std::size_t bytes = head.size() + body.size();
  const auto would_overflow = [&] {
    const std::uint64_t limit = config_->limits.queued_bytes;
    return out_.size() > limit / 2 && out_.size() + bytes > limit;
  };
  if (!is_flushing_ && would_overflow()) {
    flush();
    if (state_ == State::kOpen && would_overflow()) {
      session_->end(door::EndReason::kTooSlow);
      return;
    }
  }
  write_last(head, body);
}

void FuzzConnection::write_last(ByteView head, ByteView body) {
  if (state_ == State::kOpen) {
    out_.append(head).append(body);
    wants_flush_ = true;
  }
}

bool FuzzConnection::is_congested() {
  const std::uint64_t half = config_->limits.queued_bytes / 2;
  if (out_.size() > half) {
    flush();
    is_congested_ = out_.size() > half;
  }
  return is_congested_;
}

void FuzzConnection::resume_input() {
  is_paused_ = false;
}

void FuzzConnection::close_after_flush(door::Linger linger) {
  if (state_ != State::kOpen) {
    return;
  }
  state_ = State::kClosing;
  lingers_ = linger == door::Linger::kForPeer;
  closed_by_ = world_.now() + kCloseTime;
  world_.is_leaving_ = true;
  wants_flush_ = true;
  kept_input_.clear();
}

void FuzzConnection::replace_session(std::unique_ptr<door::Session> next) {
  WSPUSH_CHECK(next != nullptr && next_session_ == nullptr);
  next_session_ = std::move(next);
}

std::size_t FuzzConnection::take(std::size_t bytes) {
  const std::size_t taken = std::min(bytes, room_);
  if (room_ != SIZE_MAX) {
    room_ -= taken;
  }
  return taken;
}

void FuzzConnection::set_room(std::size_t room) {
  room_ = room;
  if (room > 0) {
    is_blocked_ = false;
    wants_flush_ = true;
  }
}

void FuzzConnection::keep_cut(const hub::MessageRef& message, hub::WireForm form,
                              std::size_t taken) {
  WSPUSH_CHECK(!cut_.has_value());
  cut_ = Cut{message, form, taken};
  is_blocked_ = true;
  blocked_since_ = world_.now();
}

void FuzzConnection::flush() {
  wants_flush_ = false;
  if (is_flushing_) {
    return;
  }
  is_flushing_ = true;
  write_out();
  is_flushing_ = false;
}

void FuzzConnection::write_out() {
  hub::Hub& hub = world_.context().hub;
  hub::FrameBatch batch;
  while (state_ == State::kOpen || state_ == State::kClosing) {
    batch.clear();
    if (state_ == State::kOpen && is_holding_) {
      session_->on_frames();
    } else if (state_ == State::kOpen && !cut_) {
      hub.gather(kSlot, kGatherBytes, batch);
    }
    if (state_ != State::kOpen) {
      batch.clear();
    }
    std::string pieces;
    std::size_t cut_bytes = 0;
    if (cut_) {
      const hub::Frame frame(*cut_->message, *cut_->message->find_form(cut_->form));
      frame.for_each_part([&](ByteView part) { pieces.append(part); });
      pieces.erase(0, cut_->taken);
      cut_bytes = pieces.size();
    }
    const std::size_t out_bytes = out_.size();
    pieces += out_;
    for (const hub::FrameBatch::Entry& entry : batch.entries) {
      entry.frame.for_each_part([&](ByteView part) { pieces.append(part); });
    }
    if (pieces.empty()) {
      is_blocked_ = false;
      if (state_ == State::kClosing) {
        if (!lingers_) {
          die();
          return;
        }
        state_ = State::kLingering;
        return;
      }
      session_->on_drained();
      if (out_.empty()) {
        return;
      }
      continue;
    }
    std::size_t taken = take(pieces.size());
    sent_.append(pieces, 0, taken);
    const bool is_all = taken == pieces.size();
    if (taken > 0) {
      last_sent_ = world_.now();
    }
    if (!is_all && (!is_blocked_ || taken > 0)) {
      is_blocked_ = true;
      blocked_since_ = world_.now();
    }
    if (cut_) {
      const std::size_t of_cut = std::min(taken, cut_bytes);
      cut_->taken += of_cut;
      if (of_cut == cut_bytes) {
        cut_.reset();
      }
      taken -= of_cut;
    }
    const std::size_t queued = std::min(taken, out_bytes);
    out_.erase(0, queued);
    if (taken > queued) {
      hub.advance(kSlot, batch, taken - queued);
    }
    if (is_congested_ && out_.size() <= config_->limits.queued_bytes / 2) {
      is_congested_ = false;
    }
    if (!is_all) {
      return;
    }
    is_blocked_ = false;
  }
}

void FuzzConnection::receive(ByteView bytes) {
  if (state_ == State::kDead || has_ended_) {
    return;
  }
  Copy copy(bytes);
  if (state_ != State::kOpen) {
    if (session_->on_input_after_close(copy.bytes()) && state_ == State::kLingering) {
      die();
    }
    return;
  }
  if (!may_take_input()) {
    kept_input_ += bytes;  // In truth it would wait in the socket.
    return;
  }
  last_heard_ = world_.now();
  if (!kept_input_.empty()) {
    kept_input_ += bytes;
    continue_input();
    return;
  }
  const std::size_t used = run_session(copy.bytes());
  WSPUSH_CHECK(used <= bytes.size());
  if (used < bytes.size() && state_ == State::kOpen) {
    kept_input_ += copy.view().substr(used);
  }
}

void FuzzConnection::receive_end() {
  if (has_ended_ || state_ == State::kDead) {
    return;
  }
  if (state_ == State::kOpen) {
    if (kept_input_.empty()) {
      has_ended_ = true;
      session_->on_input_end();
    }
  } else {
    die();
  }
}

void FuzzConnection::continue_input() {
  is_yielding_ = false;
  if (state_ != State::kOpen) {
    return;
  }
  change_session();
  if (!kept_input_.empty() && may_take_input()) {
    Copy copy(kept_input_);
    kept_input_.clear();
    const std::size_t used = run_session(copy.bytes());
    if (state_ == State::kOpen) {
      kept_input_ = copy.view().substr(used);
    }
  }
}

std::size_t FuzzConnection::run_session(MutableBytes input) {
  std::size_t used = 0;
  while (used < input.size() && may_take_input()) {
    const std::size_t taken = session_->on_input(input.subspan(used));
    WSPUSH_CHECK(taken <= input.size() - used);
    used += taken;
    if (!change_session() && taken == 0) {
      break;
    }
  }
  return used;
}

bool FuzzConnection::change_session() {
  if (next_session_ == nullptr) {
    return false;
  }
  session_ = std::move(next_session_);
  return true;
}

void FuzzConnection::on_time() {
  if (state_ == State::kDead) {
    return;
  }
  const TimePoint now = world_.now();
  if (now >= closed_by_) {
    die();
  } else if (is_blocked_ && state_ == State::kOpen &&
             now >= blocked_since_ + config_->limits.write_timeout) {
    session_->end(door::EndReason::kTooSlow);
  } else if (state_ == State::kOpen && now >= deadline_) {
    deadline_ = TimePoint::max();
    session_->on_deadline(now);
  }
}

void FuzzConnection::die() {
  if (state_ != State::kDead) {
    session_->on_lost();
    state_ = State::kDead;
    world_.is_leaving_ = true;
  }
}

// --- the world

DoorWorld::DoorWorld(std::shared_ptr<config::Config> config) : config_(std::move(config)) {
  shared_.topic_key = {1, 2};
  deflation_ = std::make_unique<door::Deflation>(config_->compression, metrics_);
  rules_.push_back(std::make_shared<auth::TopicRules>(config_));
  for (std::uint16_t i = 0; i < kReactors; ++i) {
    engines_.push_back(std::make_unique<engine::MemoryEngine>(i + 1));
    hubs_.push_back(
        std::make_unique<hub::Hub>(hub::HubOptions{.reactor = i,
                                                   .reactors = kReactors,
                                                   .encode = door::wire_forms(*deflation_),
                                                   .seed = 1},
                                   shared_, *engines_.back(), *this, *this, *this));
    hubs_.back()->set_now(now_);
    hubs_.back()->set_rules(*rules_.back());
    hubs_.back()->set_limits({.topics = config_->limits.topics, .history_bytes = 1 << 20});
  }
  context_ = std::make_unique<door::Context>(door::Context{.hub = *hubs_[0],
                                                           .metrics = metrics_,
                                                           .random = random_,
                                                           .deflation = *deflation_,
                                                           .config = config_,
                                                           .rules = rules_.back(),
                                                           .now = now_,
                                                           .wall = {},
                                                           .reactor = 0,
                                                           .instance = 0xabcd1234,
                                                           .is_draining = false});
  router_ = std::make_unique<server::PublicRouter>(*context_);
  connection_ = std::make_unique<FuzzConnection>(*this, config_);
}

void DoorWorld::start_http() {
  connection_->start(
      std::make_unique<server::HttpSession>(*connection_, *context_, *router_, *this));
}

void DoorWorld::leave_topics() {
  if (std::exchange(is_leaving_, false)) {
    hubs_[0]->remove_subscriber(FuzzConnection::kSlot);
  }
}

void DoorWorld::turn() {
  for (int round = 0; round < kRoundsMax; ++round) {
    const std::size_t letters = mail_.size();
    for (std::size_t i = 0; i < letters; ++i) {
      auto [reactor, letter] = std::move(mail_.front());
      mail_.pop_front();
      hubs_[reactor]->on_mail(std::move(letter));
    }
    connection_->continue_input();
    leave_topics();
    hubs_[0]->post_counts();
    connection_->flush();
    bool has_more = false;
    for (const auto& each : hubs_) {
      has_more = each->flush(1'000) || has_more;
    }
    connection_->flush();
    leave_topics();
    hubs_[0]->post_counts();
    if (mail_.empty() && !has_more) {
      return;
    }
  }
  WSPUSH_CHECK(false);  // It never comes to rest.
}

void DoorWorld::pass(Duration time) {
  now_ += time;
  context_->now = now_;
  for (const auto& each : hubs_) {
    each->set_now(now_);
  }
  connection_->on_time();
}

void DoorWorld::publish(std::size_t from, ByteView topic, hub::PayloadKind kind, ByteView payload) {
  hubs_[from % kReactors]->publish(topic, hub::Message::create(kind, payload), {}, {});
}

void DoorWorld::sweep() {
  for (const auto& each : hubs_) {
    each->sweep();
  }
}

void DoorWorld::reload(bool is_open) {
  auto next = std::make_shared<config::Config>(*config_);
  if (!is_open) {
    next->topics = {{.match = ">",
                     .subscribe = config::Permission::kNobody,
                     .publish = config::Permission::kNobody}};
  }
  rules_.push_back(std::make_shared<auth::TopicRules>(next));
  context_->config = next;
  context_->rules = rules_.back();
  for (const auto& each : hubs_) {
    each->set_rules(*rules_.back());
  }
  if (connection_->is_open()) {
    connection_->session().on_rules_changed();
  }
}

void DoorWorld::send(std::uint16_t reactor, hub::HubMail mail) {
  mail_.emplace_back(reactor, std::move(mail));
}

void DoorWorld::send(std::span<const hub::Member> members, std::span<const iovec> parts,
                     std::size_t bytes, std::vector<hub::ShortSend>& fell_short) {
  WSPUSH_CHECK(members.size() == 1 && members[0].slot == FuzzConnection::kSlot);
  if (connection_->is_busy() || members[0].fd == hub::kHeld) {
    fell_short.push_back({0, 0, 0});
    return;
  }
  std::string all;
  for (const iovec& part : parts) {
    all.append(static_cast<const char*>(part.iov_base), part.iov_len);
  }
  WSPUSH_CHECK(all.size() == bytes && bytes > 0);
  const std::size_t taken = connection_->take(bytes);
  connection_->sent().append(all, 0, taken);
  if (taken < bytes) {
    fell_short.push_back({0, taken, 0});
  }
}

void DoorWorld::on_reply(const hub::ReplyTo& to, hub::Reply&& reply) {
  if (to.connection == connection_->handle().packed() && connection_->is_open()) {
    connection_->session().on_reply(to, std::move(reply));
  }
}

bool DoorWorld::on_gap(std::uint32_t slot, hub::WireForm /*form*/, const hub::Gap& gap) {
  WSPUSH_CHECK(slot == FuzzConnection::kSlot);
  return connection_->is_open() && connection_->session().on_gap(gap) && connection_->is_open();
}

void DoorWorld::on_too_slow(std::uint32_t slot) {
  WSPUSH_CHECK(slot == FuzzConnection::kSlot);
  connection_->session().end(door::EndReason::kTooSlow);
}

void DoorWorld::on_behind(std::uint32_t slot) {
  WSPUSH_CHECK(slot == FuzzConnection::kSlot);
  connection_->want_drained();
}

void DoorWorld::on_leaving(std::uint32_t slot) {
  WSPUSH_CHECK(slot == FuzzConnection::kSlot);
  connection_->flush();
}

void DoorWorld::on_cut(std::uint32_t /*slot*/, const hub::MessageRef& message, hub::WireForm form,
                       std::size_t taken) {
  connection_->keep_cut(message, form, taken);
}

void DoorWorld::on_send_error(std::uint32_t /*slot*/, int /*error*/) {
  WSPUSH_CHECK(false);  // This socket has none.
}

void DoorWorld::on_withdrawn(std::uint32_t slot, hub::WireForm /*form*/, ByteView topic) {
  WSPUSH_CHECK(slot == FuzzConnection::kSlot);
  connection_->session().on_withdrawn(topic);
}

net::Admission DoorWorld::judge_client(Handle /*connection*/, const http::RequestHead& /*head*/) {
  return net::Admission::kAdmitted;
}

std::shared_ptr<config::Config> door_config(bool has_tight_limits) {
  auto config = std::make_shared<config::Config>();
  config->topics = {
      {.match = "open.>",
       .publish = config::Permission::kAnyone,
       .history = {.messages = 5},
       .presence = config::Presence::kOn},
      {.match = "own.>", .publish = config::Permission::kSubscriber, .history = {.messages = 0}},
      {.match = "slow",
       .publish = config::Permission::kAnyone,
       .history = {.messages = 3},
       .when_slow = config::WhenSlow::kDisconnect},
      {.match = "read",
       .publish = config::Permission::kNobody,
       .presence = config::Presence::kCount},
      {.match = "users.>", .subscribe = config::Permission::kAuthenticated},
      {.match = "closed", .subscribe = config::Permission::kNobody}};
  config->origins = {"same", "https://app.example"};
  config->subprotocols = {"one", "two"};
  config->echo = true;
  config->compression.enabled = false;
  if (has_tight_limits) {
    config->limits.message_bytes = 200;
    config->limits.frames_per_message = 4;
    config->limits.queued_bytes = 600;
    config->limits.subscriptions_per_connection = 3;
    config->limits.commands_per_second = 5;
    config->limits.errors_per_connection = 3;
    config->limits.topics = 4;
    config->limits.header_bytes = 512;
    config->limits.headers = 12;
    config->topics[0].message_bytes = 50;
  }
  return config;
}

}  // namespace wspush::fuzz
