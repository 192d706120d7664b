#include "unit/hub/fake_reactor.hpp"

#include <algorithm>
#include <cerrno>

#include "wspush/hub/topic_name.hpp"

#include "unit/failing_allocations.hpp"

namespace wspush::hub::test {

using wspush::test::SafeAllocations;

namespace {

std::unique_ptr<WireBytes> encode_line(ByteView topic, const Message& message) {
  auto form = std::make_unique<WireBytes>();
  if (is_presence_stream(topic)) {
    form->prefix.append("P ").append(message.key()).append(" ").append(topic_of_stream(topic));
    form->prefix.append(" ");
    form->suffix = "\n";
    return form;
  }
  if (const FeedEntry* const entry = message.feed_entry()) {
    form->prefix.append(entry->is_gap() ? "H " : "F ").append(word_of(*entry->feed)).append(" ");
    form->prefix.append(to_string(entry->position)).append(" ").append(topic).append(" ");
    if (entry->is_gap()) {
      form->prefix.append(to_string(entry->gap_after)).append(" ");
      form->prefix.append(to_string(entry->gap_next)).append("\n");
      form->has_payload = false;
      return form;
    }
  } else {
    form->prefix.append("M ").append(topic).append(" ");
  }
  append_to(form->prefix, message.id());
  form->prefix.append(" ");
  form->has_payload = message.kind() != PayloadKind::kText;
  if (form->has_payload) {
    form->suffix = "\n";
  } else {
    form->prefix.append(message.payload()).append("\n");
  }
  return form;
}

}  // namespace

std::string word_of(ByteView feed) {
  std::string word(feed);
  std::replace(word.begin(), word.end(), '\n', ',');
  return word;
}

std::array<Encode, kWireFormCount> line_forms() {
  std::array<Encode, kWireFormCount> forms;
  forms.fill(encode_line);
  return forms;
}

bool FakePost::is_empty() const {
  return std::all_of(queues_.begin(), queues_.end(), [](const auto& q) { return q.empty(); });
}

FakeReactor::FakeReactor(const Shared& shared, std::uint16_t index, std::uint16_t reactors,
                         std::size_t client_slots)
    : shared_(shared),
      engine_(shared.random.next(), shared.record),
      clients_(client_slots),
      busy_(client_slots),
      index_(index),
      hub_({.reactor = index,
            .reactors = reactors,
            .encode = line_forms(),
            .seed = shared.random.next()},
           shared.hub, engine_, *this, *this, *this) {
  hub_.set_rules(*shared.rules);
}

// --- clients

void FakeReactor::connect(std::uint32_t slot, Reader reader, bool is_streamed) {
  ++clients_made_;
  const auto fd = is_streamed ? kStreamed : static_cast<std::int32_t>(1000 + clients_made_);
  clients_[slot] = std::make_unique<Client>(shared_.record, reader, fd, clients_made_);
}

void FakeReactor::disconnect(std::uint32_t slot) {
  clients_[slot]->is_dead = true;
}

void FakeReactor::unblock(std::uint32_t slot) {
  Client& client = *clients_[slot];
  client.is_full = false;
  if (client.is_blocked) {
    client.is_blocked = false;
    want_flush(slot);
  }
}

void FakeReactor::subscribe(std::uint32_t slot,
                            std::vector<std::pair<std::string, SubscribeOptions>> wanted,
                            bool fence) {
  Client& client = *clients_[slot];
  std::vector<Wanted> to_prepare;
  for (const auto& [name, options] : wanted) {
    to_prepare.push_back({name, options.after});
  }
  client.wanted = std::move(wanted);
  client.is_preparing = true;
  const ReplyTo to{Handle{slot, static_cast<std::uint32_t>(client.id)}.packed(), 0, 0, index_};
  if (hub_.prepare(to_prepare, fence, to)) {
    do_subscribe(slot);
  }
}

void FakeReactor::do_subscribe(std::uint32_t slot) {
  Client& client = *clients_[slot];
  client.is_preparing = false;
  for (const auto& [name, options] : client.wanted) {
    const auto answer = hub_.subscribe({client.fd, slot}, name, options);
    if (!answer) {
      client.refused = answer.error();
      continue;
    }
    if (is_feed(name)) {
      write_subscribed_to_feed(slot, name, options, *answer);
      continue;
    }
    std::string after = "-";
    if (options.after.kind != After::Kind::kNext) {
      after = options.after.kind == After::Kind::kFirst ? "first" : to_string(options.after.id);
    }
    const char* recovered = !answer->recovered ? "-" : *answer->recovered ? "1" : "0";
    write(slot, "S " + name + " " + to_string(answer->last) + " " + recovered + " " + after + " " +
                    (options.mode == Mode::kLatest ? "1 " : "0 ") +
                    std::to_string(shared_.kept_from(name, answer->last)) + "\n");
  }
}

void FakeReactor::write_subscribed_to_feed(std::uint32_t slot, const std::string& name,
                                           const SubscribeOptions& options,
                                           const Subscribed& answer) {
  std::string line = "Q " + word_of(name) + " " + to_string(answer.position) + " ";
  line += !answer.recovered ? "-" : *answer.recovered ? "1" : "0";
  switch (options.after.kind) {
    case After::Kind::kNext:
      line += " -";
      break;
    case After::Kind::kFirst:
      line += " first";
      break;
    case After::Kind::kId:
    case After::Kind::kPosition:
      line += " " + to_string(options.after.position);
      break;
  }
  const std::vector<ByteView> filters = filters_of(name);
  for (const auto& [topic, last] : shared_.record.last) {
    if (std::any_of(filters.begin(), filters.end(),
                    [&](ByteView filter) { return pattern_matches(filter, topic); })) {
      line += " " + topic + "=" + to_string(last) + "=" +
              std::to_string(shared_.kept_from(topic, last));
    }
  }
  write(slot, line + "\n");
}

void FakeReactor::unsubscribe(std::uint32_t slot, const std::string& topic) {
  const bool was_subscribed = hub_.is_subscribed(slot, topic);
  ASSERT_EQ(hub_.unsubscribe(slot, topic).has_value(), was_subscribed);
  if (was_subscribed) {
    write(slot, "U " + word_of(topic) + "\n");
  }
}

// --- the turn

bool FakeReactor::turn(TimePoint now, std::size_t mail_max, std::size_t sends_max) {
  hub_.set_now(now);
  for (std::size_t from = 0; from < shared_.post.reactors(); ++from) {
    std::deque<HubMail>& queue = shared_.post.queue(from, index_);
    for (std::size_t i = 0; i < mail_max && !queue.empty(); ++i) {
      HubMail mail = std::move(queue.front());
      queue.pop_front();
      hub_.on_mail(std::move(mail));
    }
  }
  const bool is_judging = hub_.judge_some();
  flush_clients();
  const bool has_more = hub_.flush(sends_max) || is_judging;
  flush_clients();
  for (const std::uint32_t slot : leaving_) {
    hub_.remove_subscriber(slot);
  }
  leaving_.clear();
  has_waiting_streams_ = false;
  hub_.settle_receipts();
  hub_.post_counts();
  for (std::uint32_t slot = 0; slot < slots(); ++slot) {
    if (clients_[slot] != nullptr && clients_[slot]->is_dead) {
      clients_[slot]->checker.read(clients_[slot]->stream);
      streams_of_the_gone_ += clients_[slot]->stream + "\n";
      hub_.remove_subscriber(slot);
      busy_[slot] = kFree;
      std::erase(flush_, slot);
      clients_[slot].reset();
    }
  }
  return has_more || !flush_.empty();
}

bool FakeReactor::is_idle() const {
  return flush_.empty();
}

void FakeReactor::check() {
  for (const auto& client : clients_) {
    if (client != nullptr) {
      SCOPED_TRACE("reactor " + std::to_string(index_) + ", client " + std::to_string(client->id));
      client->checker.read(client->stream);
    }
  }
}

std::uint64_t FakeReactor::deliveries_of(const std::string& payload) const {
  const std::string end = " " + payload + "\n";
  std::uint64_t count = 0;
  const auto count_in = [&](const std::string& stream) {
    for (auto at = stream.find(end); at != std::string::npos; at = stream.find(end, at + 1)) {
      ++count;
    }
  };
  count_in(streams_of_the_gone_);
  for (const auto& client : clients_) {
    if (client != nullptr) {
      count_in(client->stream);
    }
  }
  return count;
}

// --- sockets

Output FakeReactor::output_of(std::uint32_t slot) const {
  const Client& client = *clients_[slot];
  if (client.is_dead) {
    has_lost_streams_ = true;
    return Output::kLost;
  }
  const bool has_sent_all = client.out.empty() && client.unsent.empty() && !client.cut;
  has_waiting_streams_ = has_waiting_streams_ || !has_sent_all;
  return has_sent_all ? Output::kWritten : Output::kWaiting;
}

std::ptrdiff_t FakeReactor::take(Client& client, std::size_t bytes) {
  if (client.is_dead) {
    return 0;
  }
  if (is_calm_ || client.reader == Reader::kPerfect) {
    return static_cast<std::ptrdiff_t>(bytes);
  }
  if (client.is_full) {
    return 0;
  }
  const std::uint64_t chance = shared_.random.below(100);
  if (chance < 60) {
    return static_cast<std::ptrdiff_t>(bytes);
  }
  if (chance == 99) {
    return -1;
  }
  client.is_full = true;
  return chance < 80 ? 0 : static_cast<std::ptrdiff_t>(shared_.random.below(bytes));
}

std::ptrdiff_t FakeReactor::take(Client& client, ByteView bytes) {
  const SafeAllocations safe;
  if (client.fd == kStreamed && !client.unsent.empty()) {
    const std::ptrdiff_t sent = take(client, client.unsent.size());
    if (sent < 0) {
      return sent;
    }
    client.stream.append(client.unsent, 0, static_cast<std::size_t>(sent));
    client.unsent.erase(0, static_cast<std::size_t>(sent));
    if (!client.unsent.empty()) {
      return 0;
    }
  }
  if (bytes.empty()) {
    return 0;
  }
  const std::ptrdiff_t taken = take(client, bytes.size());
  if (taken < 0) {
    return taken;
  }
  auto end = static_cast<std::size_t>(taken);
  client.stream.append(bytes, 0, end);
  if (client.fd == kStreamed && end < bytes.size() && !client.is_dead) {
    const std::size_t kept = shared_.random.below(bytes.size() - end + 1);
    client.unsent.assign(bytes, end, kept);
    end += kept;
  }
  return static_cast<std::ptrdiff_t>(end);
}

void FakeReactor::write(std::uint32_t slot, const std::string& line) {
  const SafeAllocations safe;
  Client& client = *clients_[slot];
  if (!client.is_closing && !client.is_dead) {
    client.out += line;
    want_flush(slot);
  }
}

void FakeReactor::want_flush(std::uint32_t slot) {
  const SafeAllocations safe;
  if (busy_[slot] != kBusyFlushing && !clients_[slot]->is_blocked) {
    flush_.push_back(slot);
    busy_[slot] = kBusyFlushing;
  } else if (busy_[slot] == kFree) {
    busy_[slot] = kBusy;
  }
}

void FakeReactor::flush_clients() {
  const std::vector<std::uint32_t> flushing = std::move(flush_);
  flush_ = {};
  for (const std::uint32_t slot : flushing) {
    busy_[slot] = kBusy;
    try {
      if (flush(slot)) {
        want_flush(slot);
      }
    } catch (const std::bad_alloc&) {
      clients_[slot]->is_dead = true;
    }
  }
}

bool FakeReactor::flush(std::uint32_t slot) {
  Client& client = *clients_[slot];
  FrameBatch batch;
  for (int round = 0; !client.is_dead; ++round) {
    if (round == 100) {
      return true;
    }
    batch.clear();
    const std::size_t bytes_max = 1 + shared_.random.below(2000);
    if (!client.is_closing && !client.cut) {
      hub_.gather(slot, bytes_max, batch);
    }
    if (client.is_closing) {
      batch.clear();
    }
    // What is left of a frame, the queue, what the hub gave: in this order.
    std::string pieces;
    std::size_t cut_bytes = 0;
    if (client.cut) {
      const Frame frame(*client.cut->message, *client.cut->message->find_form(client.cut->form));
      frame.for_each_part([&](ByteView part) { pieces.append(part); });
      pieces.erase(0, client.cut->taken);
      cut_bytes = pieces.size();
    }
    pieces += client.out;
    for (const FrameBatch::Entry& entry : batch.entries) {
      entry.frame.for_each_part([&](ByteView part) { pieces.append(part); });
    }
    if (pieces.empty() && client.unsent.empty()) {
      client.is_blocked = false;
      busy_[slot] = client.is_closing ? kBusy : kFree;
      return false;
    }
    const std::ptrdiff_t result = take(client, pieces);
    if (result < 0) {
      client.is_dead = true;
      return false;
    }
    std::size_t taken = static_cast<std::size_t>(result);
    const bool is_all = taken == pieces.size() && client.unsent.empty();
    if (client.cut) {
      client.cut->taken += std::min(taken, cut_bytes);
      if (taken >= cut_bytes) {
        hub_.on_cut_written(slot, *client.cut->message);
        client.cut.reset();
      }
      taken -= std::min(taken, cut_bytes);
    }
    const std::size_t queued = std::min(taken, client.out.size());
    client.out.erase(0, queued);
    if (taken > queued) {
      hub_.advance(slot, batch, taken - queued);
    }
    if (!is_all) {
      client.is_blocked = true;
      return false;
    }
    client.is_blocked = false;
  }
  return false;
}

// --- what the hub asks for

void FakeReactor::send(std::uint16_t reactor, HubMail mail) {
  shared_.post.queue(index_, reactor).push_back(std::move(mail));
}

void FakeReactor::send(std::span<const Member> members, std::span<const iovec> parts,
                       std::size_t bytes, std::vector<ShortSend>& fell_short) {
  const SafeAllocations safe;
  std::string all;
  for (const iovec& part : parts) {
    all.append(static_cast<const char*>(part.iov_base), part.iov_len);
  }
  ASSERT_EQ(all.size(), bytes);
  ASSERT_GT(bytes, 0U) << "a send of nothing";
  ASSERT_FALSE(members.empty());
  for (std::uint32_t i = 0; i < members.size(); ++i) {
    const std::uint32_t slot = members[i].slot;
    Client* const client = clients_.at(slot).get();
    ASSERT_NE(client, nullptr) << "a send to a client that is gone";
    ASSERT_EQ(client->fd, members[i].fd) << "a send to a descriptor's next owner";
    ASSERT_EQ(members[i].fd == kStreamed, members[0].fd == kStreamed) << "a mixed array";
    if (busy_[slot] != kFree) {
      fell_short.push_back({i, 0, 0});
      continue;
    }
    ASSERT_TRUE(client->out.empty() && client->unsent.empty() && !client->cut);
    const std::ptrdiff_t taken = take(*client, all);
    if (taken < 0) {
      fell_short.push_back({i, 0, EPIPE});
    } else if (static_cast<std::size_t>(taken) < bytes) {
      fell_short.push_back({i, static_cast<std::size_t>(taken), 0});
    }
    if (!client->unsent.empty()) {
      client->is_blocked = true;
      busy_[slot] = kBusy;
    }
  }
}

void FakeReactor::on_reply(const ReplyTo& to, Reply&& reply) {
  ASSERT_EQ(to.reactor, index_);
  if (to.connection == kObserver) {
    shared_.on_answer(to.item, reply);
    return;
  }
  const std::uint32_t slot = Handle::from_packed(to.connection).slot;
  Client* const client = clients_[slot].get();
  if (client == nullptr || client->id != to.connection >> 32 || client->is_dead ||
      client->is_closing) {
    return;
  }
  ASSERT_TRUE(std::holds_alternative<PreparedReply>(reply));
  ASSERT_TRUE(client->is_preparing);
  try {
    do_subscribe(slot);
  } catch (const std::bad_alloc&) {
    client->is_dead = true;
  }
}

bool FakeReactor::on_gap(std::uint32_t slot, WireForm /*form*/, const Gap& gap) {
  const SafeAllocations safe;
  if (gap.after_position != nullptr) {
    write(slot, "K " + word_of(gap.topic) + " " + to_string(*gap.after_position) + " " +
                    to_string(*gap.next_position) + "\n");
  } else {
    write(slot, "G " + std::string(gap.topic) + " " + to_string(gap.after) + " " +
                    to_string(gap.next) + "\n");
  }
  return !clients_[slot]->is_closing && !clients_[slot]->is_dead;
}

void FakeReactor::on_too_slow(std::uint32_t slot) {
  const SafeAllocations safe;
  write(slot, "X\n");
  clients_[slot]->is_closing = true;
  leaving_.push_back(slot);
}

void FakeReactor::on_cut(std::uint32_t slot, const MessageRef& message, WireForm form,
                         std::size_t taken) {
  const SafeAllocations safe;
  Client& client = *clients_[slot];
  ASSERT_FALSE(client.cut.has_value());
  busy_[slot] = std::max<std::uint8_t>(busy_[slot], kBusy);
  client.cut = Client::Cut{message, form, taken};
  client.is_blocked = true;
}

void FakeReactor::on_send_error(std::uint32_t slot, int /*error*/) {
  clients_[slot]->is_dead = true;
}

void FakeReactor::on_withdrawn(std::uint32_t slot, WireForm /*form*/, ByteView topic) {
  write(slot, "W " + word_of(topic) + "\n");
}

}  // namespace wspush::hub::test
