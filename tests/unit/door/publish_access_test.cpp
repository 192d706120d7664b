#include "door/publish_access.hpp"

#include "door/wspush_v1_session.hpp"
#include "unit/door/session_rig.hpp"

namespace wspush::door::test {
namespace {

class PublishAccessTest : public SessionRig {
 protected:
  void open() {
    start();
    session_ = std::make_unique<WspushV1Session>(connection_, *context_);
  }
  void become(const std::string& user, std::vector<std::string> publish = {}) {
    auto identity = std::make_shared<auth::Identity>();
    identity->user = user;
    identity->publish = std::move(publish);
    static_cast<WspushV1Session&>(*session_).use_identity(std::move(identity));
  }
  PublishRight judge(ByteView topic) {
    return access_.judge(*context_, *session_, connection_.handle().slot, topic);
  }

  PublishAccess access_;
};

TEST_F(PublishAccessTest, SaysOfAnyRowOfTopicsWhatTheRulesSay) {
  open();
  const std::string topics[] = {"open.a", "open.b", "own.a", "read", "users.a", "closed", "none"};
  std::string before;
  for (int i = 0; i < 2'000; ++i) {
    const std::string& topic = topics[random_.below(std::size(topics))];
    EXPECT_EQ(access_.is_last(topic), topic == before);
    if (random_.below(10) == 0) {
      become(random_.below(2) == 0 ? "ann" : "bob");
    }
    const PublishRight right = judge(topic);
    ASSERT_EQ(right.verdict, rules_->publish_verdict(session_->identity(), topic, false)) << topic;
    ASSERT_EQ(right.rule, rules_->rule_of(topic)) << topic;
    before = topic;
  }
  EXPECT_FALSE(access_.is_last(""));
}

TEST_F(PublishAccessTest, LooksAtTheSubscriptionEachTimeWhereItDecides) {
  open();
  EXPECT_EQ(judge("own.a").verdict, auth::Verdict::kForbidden);
  say(R"({"op":"subscribe","topic":"own.a"})");
  EXPECT_EQ(judge("own.a").verdict, auth::Verdict::kAllowed);
  say(R"({"op":"unsubscribe","topic":"own.a"})");
  EXPECT_EQ(judge("own.a").verdict, auth::Verdict::kForbidden);
}

TEST_F(PublishAccessTest, ForgetsWithAReload) {
  open();
  EXPECT_EQ(judge("open.a").verdict, auth::Verdict::kAllowed);
  auto changed = std::make_shared<config::Config>(*config_);
  changed->topics[0].publish = config::Permission::kNobody;
  const auto rules = std::make_shared<auth::TopicRules>(changed);
  context_->use(changed, rules, nullptr);
  EXPECT_EQ(judge("open.a").verdict, auth::Verdict::kForbidden);
  EXPECT_EQ(judge("open.a").rule, rules->rule_of("open.a"));
}

}  // namespace
}  // namespace wspush::door::test
