#include <string>

#include "base/check.hpp"
#include "engine/disk_record.hpp"
#include "fuzz/fuzz.hpp"

// What lies on the disk: each record has one spelling, and nothing else is one.
namespace wspush::fuzz {

namespace {

constexpr ByteView kTimes = "before..until...";

}  // namespace

void run(ByteView input) {
  if (input.empty()) {
    return;
  }
  // Nothing readable stands behind the bytes that a codec is given.
  const Copy copy(input.substr(1));
  const ByteView bytes = copy.view();
  switch (static_cast<unsigned char>(input[0]) % 4) {
    case 0:
      if (const auto record = engine::decode_topic(bytes)) {
        WSPUSH_CHECK(engine::encode(*record) == bytes);
      }
      break;
    case 1:
      if (const auto record = engine::decode_store(bytes)) {
        WSPUSH_CHECK(engine::encode(*record) == bytes);
      }
      break;
    case 2:
      if (const auto record = engine::decode_message(bytes)) {
        std::string again;
        engine::encode_into(again, *record);
        WSPUSH_CHECK(again == bytes);
      }
      break;
    case 3: {
      int kinds = 0;
      if (const auto name = engine::name_in_topic_key(bytes)) {
        WSPUSH_CHECK(engine::topic_key(*name) == bytes);
        ++kinds;
      }
      if (const auto place = engine::place_in_closed_key(bytes)) {
        WSPUSH_CHECK(engine::closed_key(*place) == bytes);
        ++kinds;
      }
      kinds += engine::offset_in_message_key(bytes) ? 1 : 0;
      if (const auto revocation = engine::decode_revocation(bytes, kTimes)) {
        WSPUSH_CHECK(engine::revocation_key(*revocation) == bytes);
        WSPUSH_CHECK(engine::encode(*revocation) == kTimes);
        ++kinds;
      }
      WSPUSH_CHECK(kinds <= 1);
      break;
    }
  }
}

}  // namespace wspush::fuzz
