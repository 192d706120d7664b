"""Proves from a log of events what the server promises about delivery.

A test client writes what it did and saw, one JSON object each, in the order in which it happened
to that client. `check_history` looks at all of them and lists every broken promise:

1. No silent hole: the offsets of a subscription grow by exactly one, unless a gap,
   `recovered:false` or the mode `latest` says otherwise.
2. No duplicate of an id within a subscription, however often it is resumed.
3. One id, one payload, wherever it is seen.
4. The messages of one publisher to one topic keep their order.

Events (`event`, and):

  sending      publisher, topic, seq, payload           before a publish leaves
  published    publisher, topic, seq, id                its acknowledgement
  subscribed   subscription, topic, last [, after, recovered, mode]
               `subscription` names one client's subscription; it is the same after a resume
  message      subscription, topic, id, payload [, publisher, seq]
  gap          subscription, topic, after, next
  unsubscribed subscription, topic                      also when the connection ended
  history      topic, messages: [{id, payload}...], last [, after, gap, limit]
  settled      subscription, topic, last                nothing is under way any more: the
               subscription has to have everything up to `last`

Run as a program it reads such lines from files, prints what is wrong and exits 1, or 0.
"""

import json
import re
import sys

_ID = re.compile(r"([0-9a-fA-F]{8})-(0|[1-9][0-9]*)\Z")


class _Subscription:
    """What one subscription has seen, over all of its resumes."""

    def __init__(self, topic):
        self.topic = topic
        self.active = False
        self.latest = False
        self.seen = set()
        self.epoch = None    # of the cursor
        self.offset = None   # of the cursor: the newest message delivered or skipped
        self.jump = None     # None: the next is offset + 1; "any": a hole was told, or an exact id
        self.publishers = {}  # (publisher, epoch) -> newest seq


class _Checker:
    def __init__(self):
        self.problems = []
        self.subscriptions = {}
        self.payloads = {}   # (topic, id) -> (payload, where it was seen first)
        self.sent = {}       # (topic, publisher, seq) -> payload
        self.publishes_logged = set()  # topics on which `sending` is logged
        self.acknowledged = {}  # (publisher, topic) -> (seq, epoch, offset)
        self.settled = []

    def fail(self, number, rule, what):
        self.problems.append(f"event {number}: rule {rule}: {what}")

    def parse(self, number, text):
        found = _ID.match(text) if isinstance(text, str) else None
        if not found:
            self.fail(number, 1, f"not a message id: {text!r}")
            return None
        return found[1], int(found[2])

    # Rule 3, for whatever carries an id and a payload.

    def payload_of(self, number, topic, message_id, payload):
        key = json.dumps(payload, sort_keys=True, ensure_ascii=False)
        first = self.payloads.setdefault((topic, message_id), (key, number))
        if first[0] != key:
            self.fail(number, 3,
                      f"{topic} {message_id} is {key}, and was {first[0]} in event {first[1]}")

    # Events.

    def sending(self, number, event):
        key = (event["topic"], event["publisher"], event["seq"])
        self.publishes_logged.add(event["topic"])
        self.sent[key] = event["payload"]

    def published(self, number, event):
        place = self.parse(number, event["id"])
        if place is None:
            return
        epoch, offset = place
        if offset == 0:
            self.fail(number, 3, f"offset 0 given to a message of {event['topic']}")
        who = (event["publisher"], event["topic"])
        before = self.acknowledged.get(who)  # the one with the highest seq: answers may overtake
        if before and before[1] == epoch and (before[0] < event["seq"]) != (before[2] < offset):
            self.fail(number, 4, f"{who} got {event['id']} for seq {event['seq']}, but offset "
                                 f"{before[2]} for seq {before[0]}")
        if before is None or before[0] < event["seq"]:
            self.acknowledged[who] = (event["seq"], epoch, offset)
        sent = self.sent.get((event["topic"], event["publisher"], event["seq"]))
        if sent is not None:
            self.payload_of(number, event["topic"], event["id"], sent)

    def subscribed(self, number, event):
        name = event["subscription"]
        subscription = self.subscriptions.setdefault(name, _Subscription(event["topic"]))
        if subscription.active:
            self.fail(number, 2, f"{name} was subscribed already")
        subscription.active = True
        subscription.latest = event.get("mode", "all") == "latest"
        last = self.parse(number, event["last"])
        after = event.get("after")
        if ("recovered" in event) != (after is not None):
            self.fail(number, 1, f"{name}: `recovered` does not go with `after`: {event}")
        if after is None:
            if last:
                subscription.epoch, subscription.offset = last
            subscription.jump = None
        elif after == "first":
            if last:
                # The oldest that is kept may be any up to the one after `last`.
                subscription.epoch, subscription.offset = last[0], 0
            subscription.jump = "any"
            if event.get("recovered") is not True:
                self.fail(number, 1, f"{name}: `first` was not recovered")
        elif event.get("recovered"):
            place = self.parse(number, after)
            if place:
                if subscription.offset is not None and subscription.seen and \
                        place != (subscription.epoch, subscription.offset):
                    subscription.seen.clear()  # the client itself went back
                subscription.epoch, subscription.offset = place
                if last and (last[0] != place[0] or last[1] < place[1]):
                    self.fail(number, 1,
                              f"{name}: recovered from {after}, but `last` is {event['last']}")
            subscription.jump = None
        else:
            if last:
                same_epoch = last[0] == subscription.epoch
                subscription.epoch = last[0]
                subscription.offset = subscription.offset if same_epoch and subscription.offset else 0
                subscription.offset = min(subscription.offset, last[1])
            subscription.jump = "any"

    def message(self, number, event):
        name, topic = event["subscription"], event["topic"]
        subscription = self.subscriptions.get(name)
        place = self.parse(number, event["id"])
        if place is None:
            return
        epoch, offset = place
        self.payload_of(number, topic, event["id"], event["payload"])
        if subscription is None or not subscription.active or subscription.topic != topic:
            self.fail(number, 1, f"{name} got {topic} {event['id']} without being subscribed")
            return
        if event["id"] in subscription.seen:
            self.fail(number, 2, f"{name} got {topic} {event['id']} twice")
            return
        subscription.seen.add(event["id"])
        self._check_offset(number, name, subscription, epoch, offset, event["id"])
        subscription.epoch, subscription.offset, subscription.jump = epoch, offset, None
        self._check_publisher(number, name, subscription, event, epoch)

    def _check_offset(self, number, name, subscription, epoch, offset, message_id):
        if subscription.jump not in (None, "any"):
            if message_id != subscription.jump:
                self.fail(number, 1,
                          f"{name} got {message_id}, the gap had promised {subscription.jump}")
        elif epoch != subscription.epoch:
            self.fail(number, 1,
                      f"{name} got {message_id}: another epoch than {subscription.epoch}, "
                                 "and no gap said so")
        elif subscription.jump == "any" or subscription.latest:
            if offset <= subscription.offset:
                self.fail(number, 1,
                          f"{name} went back from offset {subscription.offset} to {offset}")
        elif offset != subscription.offset + 1:
            self.fail(number, 1, f"{name} got offset {offset} after {subscription.offset}")

    def _check_publisher(self, number, name, subscription, event, epoch):
        if event.get("publisher") is None:
            return
        sent_key = (event["topic"], event["publisher"], event["seq"])
        if event["topic"] in self.publishes_logged and sent_key not in self.sent:
            self.fail(number, 3, f"{name} got {sent_key}, which nobody had sent")
        who = (event["publisher"], epoch)
        before = subscription.publishers.get(who)
        if before is not None and before >= event["seq"]:
            self.fail(number, 4,
                      f"{name} got seq {event['seq']} of {event['publisher']} after {before}")
        subscription.publishers[who] = event["seq"]

    def gap(self, number, event):
        name = event["subscription"]
        subscription = self.subscriptions.get(name)
        after, following = self.parse(number, event["after"]), self.parse(number, event["next"])
        if subscription is None or not subscription.active:
            self.fail(number, 1, f"{name} got a gap without being subscribed")
            return
        if after is None or following is None:
            return
        if after != (subscription.epoch, subscription.offset) and subscription.jump is None:
            self.fail(number, 1, f"{name}: a gap after {event['after']}, but the last one was "
                                 f"{subscription.epoch}-{subscription.offset}")
        if after[0] == following[0] and following[1] <= after[1] + 1:
            self.fail(number, 1,
                      f"{name}: a gap from {event['after']} to {event['next']} misses nothing")
        subscription.jump = event["next"]

    def unsubscribed(self, number, event):
        subscription = self.subscriptions.get(event["subscription"])
        if subscription is not None:
            subscription.active = False

    def history(self, number, event):
        before = None
        after = self.parse(number, event["after"]) if event.get("after") not in (None,
                                                                                 "first") else None
        for entry in event["messages"]:
            self.payload_of(number, event["topic"], entry["id"], entry["payload"])
            place = self.parse(number, entry["id"])
            if place is None:
                continue
            if before and place != (before[0], before[1] + 1):
                self.fail(number, 1, f"history of {event['topic']} goes from {before} to {place}")
            if before is None and after and not event.get("gap") and place != (after[0],
                                                                               after[1] + 1):
                self.fail(number, 1,
                          f"history of {event['topic']} after {after} begins with {place}")
            before = place

    def settled_later(self, number, event):
        self.settled.append((number, event))

    def finish(self):
        for number, event in self.settled:
            name = event["subscription"]
            subscription = self.subscriptions.get(name)
            last = self.parse(number, event["last"])
            if subscription is None or last is None:
                self.fail(number, 1, f"{name} settled, but was never subscribed")
            elif subscription.jump == "any" and last[1] == 0:
                pass  # nothing was kept
            elif (subscription.epoch, subscription.offset) != last:
                self.fail(number, 1,
                          f"{name} stopped at {subscription.epoch}-{subscription.offset}, "
                                     f"{event['topic']} went on to {event['last']}")


def check_history(events):
    """The broken promises in `events`, as sentences; an empty list when all were kept."""
    checker = _Checker()
    handlers = {name: getattr(checker, name) for name in (
        "sending", "published", "subscribed", "message", "gap", "unsubscribed", "history")}
    handlers["settled"] = checker.settled_later
    for number, event in enumerate(events, 1):
        handlers[event["event"]](number, event)
    checker.finish()
    return checker.problems


def main(paths):
    problems = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            problems += check_history(json.loads(line) for line in file if line.strip())
    print("\n".join(problems) or "all promises were kept")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
