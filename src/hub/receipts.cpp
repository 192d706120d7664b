// Receipts: to how many subscribers a message was written, for the publisher that asked for it.
//
// A home that orders such a message asks for one count of each fan-out: of its own topic, of each
// replica, of the feeds of each reactor. The question travels with the message, so that a reactor
// begins to count before it sends; it counts what its sockets take until the turn in which the last
// of its walks over the message is through, and answers once. Where nobody asked, `tallies_` is
// empty, and all of this is one look at that for each walk.
#include <algorithm>
#include <new>

#include "hub/hub.hpp"

namespace wspush::hub {
namespace {

/// What was published, of a message or of what a feed made of it; null: a gap.
const Message* original_of(const Message& message) {
  const FeedEntry* const entry = message.feed_entry();
  return entry == nullptr ? &message : entry->original.get();
}

}  // namespace

// --- at the home

/// Counts the fan-out of the message's own topic. None where the publisher whose ticket it is does
/// not want one, or memory runs out: then it is answered at once, and that nobody got it.
ReceiptId Hub::open_receipt(engine::Ticket ticket, const MessageRef& message, const Topic& topic) {
  const PendingPublish* const pending = publishes_.find(Handle::from_packed(ticket));
  if (pending == nullptr || !pending->to.wants_receipt) {
    return {};
  }
  ReceiptId receipt;
  try {
    const Handle handle = receipts_.emplace(Receipt{.to = pending->to, .answer = {}});
    receipt = {.handle = handle.packed(), .home = options_.reactor};
    expect_fan_outs(receipt, 1);
    tally_until_flushed(tally_of(message, receipt), topic);
    return receipt;
  } catch (const std::bad_alloc&) {
    if (tallies_.contains(message.get())) {
      return receipt;  // It does not wait for the walk, and counts nobody here.
    }
    receipts_.erase(Handle::from_packed(receipt.handle));
    return {};
  }
}

/// So many fan-outs more, or less where the question was not sent.
void Hub::expect_fan_outs(const ReceiptId& receipt, std::int32_t count) {
  if (receipt) {
    receipts_.find(Handle::from_packed(receipt.handle))->missing +=
        static_cast<std::uint32_t>(count);
  }
}

/// A replica has got the message and the question. Where memory runs out it counts nobody.
void Hub::tally_append(const AppendMail& mail, const Topic* topic) {
  try {
    Tally& tally = tally_of(mail.message, mail.receipt);
    if (topic != nullptr) {
      tally_until_flushed(tally, *topic);
    }
  } catch (const std::bad_alloc&) {
    if (tallies_.contains(mail.message.get())) {
      return;
    }
    try {
      tell(mail.receipt.home,
           ReceiptMail{.handle = mail.receipt.handle, .fan_outs = 1, .written = 0});
    } catch (const std::bad_alloc&) {
      // The message itself is worth more than its receipt.
    }
  }
}

void Hub::on_receipt(const ReceiptMail& mail) {
  const Handle handle = Handle::from_packed(mail.handle);
  Receipt* const receipt = receipts_.find(handle);
  if (receipt == nullptr) {
    return;  // The publish has failed meanwhile.
  }
  receipt->answer.written += mail.written;
  receipt->missing -= mail.fan_outs;
  if (receipt->missing == 0) {
    const Receipt done = *receipt;
    receipts_.erase(handle);
    reply(done.to, done.answer);
  }
}

// --- in each reactor that sends it

/// One fan-out more of the message that the home waits for.
Hub::Tally& Hub::tally_of(const MessageRef& message, const ReceiptId& receipt) {
  Tally& tally = tallies_[message.get()];
  tally.message = message;
  tally.receipt = receipt;
  ++tally.fan_outs;
  return tally;
}

/// The message is about to be appended to `topic`.
void Hub::tally_until_flushed(Tally& tally, const Topic& topic) {
  tally.running.push_back({topic.handle, topic.log.epoch(), topic.log.last() + 1});
}

/// A walk has sent its batch to `count` members from `begin` on; those of `short_sends_` took less.
void Hub::tally_walk(const Topic& topic, const MemberArray& array, std::uint32_t begin,
                     std::size_t count) {
  for (std::uint64_t at = topic.flushed + 1; at <= topic.walk_end(); ++at) {
    const auto found = tallies_.find(original_of(*topic.log.at(at)));
    if (found == tallies_.end()) {
      continue;
    }
    Tally& tally = found->second;
    const std::size_t end = frame_ends_[at - topic.flushed - 1];
    std::vector<bool> has_got(count, true);
    for (const ShortSend& short_send : short_sends_) {
      has_got[short_send.index] = short_send.bytes >= end;
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (has_got[i] && array.is_streamed) {
        tally.unsettled.push_back(array.members.view()[begin + i].slot);
      } else if (has_got[i]) {
        ++tally.written;
      }
    }
  }
}

/// The connection's flush, or its session, has taken the first `taken` bytes of the batch.
void Hub::tally_frames(std::uint32_t slot, const FrameBatch& batch, std::size_t taken) {
  for (const FrameBatch::Entry& entry : batch.entries) {
    const std::size_t bytes = entry.frame.bytes();
    if (taken < bytes) {
      return;
    }
    taken -= bytes;
    tally_one(slot, entry.frame.message());
  }
}

void Hub::tally_one(std::uint32_t slot, const Message& message) {
  const auto found = tallies_.find(original_of(message));
  if (found == tallies_.end()) {
    return;
  }
  if (fd_by_slot_[slot] < 0) {  // To a stream, or to a session that makes an answer of it.
    found->second.unsettled.push_back(slot);
  } else {
    ++found->second.written;
  }
}

void Hub::settle_receipts() {
  if (tallies_.empty()) {
    return;
  }
  std::vector<std::pair<std::uint16_t, ReceiptMail>> done;
  for (auto next = tallies_.begin(); next != tallies_.end();) {
    Tally& tally = next->second;
    std::erase_if(tally.unsettled, [&](std::uint32_t slot) {
      const Output output = sender_.output_of(slot);
      tally.written += output == Output::kWritten ? 1U : 0U;
      return output != Output::kWaiting;
    });
    std::erase_if(tally.running, [this](const Tally::FanOut& fan_out) {
      const Topic* const topic = topics_.find(fan_out.topic);
      return topic == nullptr || topic->log.epoch() != fan_out.epoch ||
             topic->flushed >= fan_out.offset;
    });
    if (tally.running.empty()) {
      done.emplace_back(tally.receipt.home, ReceiptMail{.handle = tally.receipt.handle,
                                                        .fan_outs = tally.fan_outs,
                                                        .written = tally.written});
      next = tallies_.erase(next);
    } else {
      ++next;
    }
  }
  for (const auto& [home, mail] : done) {
    tell(home, mail);
  }
}

}  // namespace wspush::hub
