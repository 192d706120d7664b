#include "wspush/hub/message.hpp"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "hub/message_json.hpp"

namespace wspush::hub {
namespace {

TEST(Message, KeepsPayloadKeyAndStamp) {
  const std::string key(255, 'k');
  const MessageRef message = Message::create(PayloadKind::kBinary, ByteView("a\0b", 3), key);
  EXPECT_EQ(message->kind(), PayloadKind::kBinary);
  EXPECT_EQ(message->payload(), ByteView("a\0b", 3));
  EXPECT_EQ(message->key(), key);
  message->stamp({5, 6}, TimePoint(std::chrono::seconds(1)));
  EXPECT_EQ(message->id(), (MessageId{5, 6}));
  EXPECT_EQ(message->published_at(), TimePoint(std::chrono::seconds(1)));
  EXPECT_EQ(message->log_bytes(), sizeof(Message) + 3 + 255);
  const MessageRef empty = Message::create(PayloadKind::kText, {});
  EXPECT_TRUE(empty->payload().empty());
  EXPECT_TRUE(empty->key().empty());
}

TEST(Message, ReferencesAreCountedThroughCopiesMovesAndSelfAssignment) {
  MessageRef first = Message::create(PayloadKind::kText, "x");
  MessageRef second = first;
  EXPECT_EQ(first.get(), second.get());
  MessageRef third = std::move(first);
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): empty is what a move leaves
  MessageRef& alias = second;
  second = alias;
  EXPECT_EQ(second->payload(), "x");
  third = Message::create(PayloadKind::kText, "y");
  EXPECT_EQ(second->payload(), "x");
  EXPECT_EQ(third->payload(), "y");
  second = MessageRef();
  EXPECT_FALSE(second);
}

TEST(Message, AFormIsKeptOnceAndTheFirstOneStays) {
  const MessageRef message = Message::create(PayloadKind::kText, "x");
  EXPECT_EQ(message->find_form(WireForm::kRaw), nullptr);
  const auto make = [](const char* prefix) {
    auto bytes = std::make_unique<WireBytes>();
    bytes->prefix = prefix;
    return bytes;
  };
  const WireBytes& kept = message->keep_form(WireForm::kRaw, make("first"));
  EXPECT_EQ(&message->keep_form(WireForm::kRaw, make("second")), &kept);
  EXPECT_EQ(kept.prefix, "first");
  EXPECT_EQ(message->find_form(WireForm::kRaw), &kept);
  EXPECT_EQ(message->find_form(WireForm::kWspushV1), nullptr);
}

TEST(Message, KeepsEveryFormBesideTheOthers) {
  const MessageRef message = Message::create(PayloadKind::kText, "x");
  for (std::size_t i = 0; i < kWireFormCount; ++i) {
    auto bytes = std::make_unique<WireBytes>();
    bytes->prefix = std::to_string(i);
    message->keep_form(static_cast<WireForm>(i), std::move(bytes));
    for (std::size_t j = 0; j < kWireFormCount; ++j) {
      const WireBytes* found = message->find_form(static_cast<WireForm>(j));
      ASSERT_EQ(found != nullptr, j <= i);
      EXPECT_TRUE(found == nullptr || found->prefix == std::to_string(j));
    }
  }
}

TEST(Message, AFrameIsItsPartsInOrder) {
  const MessageRef message = Message::create(PayloadKind::kText, "payload");
  const auto join = [&](const WireBytes& form) {
    const Frame frame(*message, form);
    std::string all;
    int parts = 0;
    frame.for_each_part([&](ByteView part) {
      all.append(part);
      ++parts;
      EXPECT_FALSE(part.empty());
    });
    EXPECT_EQ(all.size(), frame.bytes());
    EXPECT_LE(parts, static_cast<int>(kPartsPerFrameMax));
    return all;
  };
  EXPECT_EQ(join({.prefix = "<", .suffix = ">"}), "<payload>");
  EXPECT_EQ(join({.prefix = "<", .suffix = ""}), "<payload");
  EXPECT_EQ(join({.prefix = "<", .suffix = ">", .has_payload = false}), "<>");
}

TEST(Message, TwoReactorsMayMakeAFormAndLetGoAtTheSameTime) {
  for (int round = 0; round < 200; ++round) {
    MessageRef mine = Message::create(PayloadKind::kText, "x");
    MessageRef theirs = mine;
    std::atomic<int> ready{0};
    const auto use = [&ready](MessageRef message, const char* name) {
      ++ready;
      while (ready.load() < 2) {
      }
      auto bytes = std::make_unique<WireBytes>();
      bytes->prefix = name;
      message->keep_form(name[0] == 'o' ? WireForm::kRaw : WireForm::kRawDeflated9,
                         std::make_unique<WireBytes>());
      const WireBytes& kept = message->keep_form(WireForm::kWspushV1, std::move(bytes));
      EXPECT_EQ(&kept, message->find_form(WireForm::kWspushV1));
      EXPECT_TRUE(kept.prefix == "one" || kept.prefix == "two");
      for (int i = 0; i < 10; ++i) {
        const MessageRef copy = message;
        EXPECT_EQ(copy->payload(), "x");
      }
    };
    std::thread other(use, std::move(theirs), "two");
    use(std::move(mine), "one");
    other.join();
  }
}

TEST(MessageJson, SpellsEachKind) {
  const auto text_of = [](PayloadKind kind, ByteView payload, ByteView key = {}) {
    const MessageRef message = Message::create(kind, payload, key);
    message->stamp({0xab, 3}, {});
    std::string text;
    append_message_members(text, *message);
    return text;
  };
  EXPECT_EQ(text_of(PayloadKind::kJson, R"({ "a" : 1.0 })"),
            R"("id":"000000ab-3","data":{ "a" : 1.0 })");
  EXPECT_EQ(text_of(PayloadKind::kText, "a\"b\\\n\x01"),
            R"("id":"000000ab-3","data":"a\"b\\\n\u0001")");
  EXPECT_EQ(text_of(PayloadKind::kBinary, ByteView("\0\xff", 2)),
            R"("id":"000000ab-3","encoding":"base64","data":"AP8=")");
  EXPECT_EQ(text_of(PayloadKind::kJson, "1", "AA\"PL"),
            R"("id":"000000ab-3","key":"AA\"PL","data":1)");
  EXPECT_EQ(text_of(PayloadKind::kText, ""), R"("id":"000000ab-3","data":"")");
  EXPECT_EQ(text_of(PayloadKind::kBinary, ""),
            R"("id":"000000ab-3","encoding":"base64","data":"")");
}

}  // namespace
}  // namespace wspush::hub
