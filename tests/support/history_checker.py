"""Proves from a log of events what the server promises about delivery.

A test client writes what it did and saw, one JSON object each, in the order in which it happened
to that client. `check_history` looks at all of them and lists every broken promise:

1. No silent hole: the offsets of a subscription grow by exactly one, unless a gap,
   `recovered:false` or the mode `latest` says otherwise.
2. No duplicate of an id within a subscription, however often it is resumed.
3. One id, one payload, wherever it is seen.
4. The messages of one publisher to one topic keep their order.
5. What was acknowledged is in the log: a subscriber that was told of no loss has it, and an epoch
   ends only where something has ended it. What was sent again is there once.
6. Ten seconds after a fault every subscriber receives again.

Events (`event`, and):

  sending      publisher, topic, seq, payload           before a publish leaves
  published    publisher, topic, seq [, id, key]        its acknowledgement; NDJSON gives no id
  subscribed   subscription, topic, last [, after, recovered, mode]
               `subscription` names one client's subscription; it is the same after a resume,
               on whatever door that is. With `door` (raw, sse, poll) there is neither `last` nor
               `recovered`: what these doors have to say about a hole is a `gap` or `lost`. With
               `feed` the subscription has many topics and `after` is an opaque position. `life`
               counts the server's processes: a position is good in the one that gave it, and who
               comes with an older one may get again what it has
  message      subscription, topic, id, payload [, publisher, seq, key]
               `id` null where the door gives none: it is found by publisher and seq
  gap          subscription, topic, after, next         either may be null
  lost         subscription [, topic]                   told that something is lost, not what
  unsubscribed subscription [, topic]                   also when the connection ended
  history      topic, messages: [{id, payload}...], last [, after, gap, limit]
  settled      subscription, topic, last                nothing is under way any more: the
               subscription has to have everything up to `last`
  away, back   subscription                             it does not read, on purpose; reads again
  begins       topics                 all that ends an epoch of theirs is logged from here on:
  cleared      topic                  its log was deleted
  restarted    [keeps]                the server was; `keeps`: its engine keeps epochs
  fault_ended  fault, at; and recovery_due: fault, at   `at` in seconds, the second one later

Run as a program it reads such lines from files, prints what is wrong and exits 1, or 0.
"""

import json
import re
import sys
from collections import Counter, deque

from compact_history import ACKNOWLEDGED, SKIPPED, Fingerprints, Offsets, Publishes
from recent_events import RecentEvents

_ID = re.compile(r"([0-9a-fA-F]{8})-(0|[1-9][0-9]*)\Z")
_OFFSET_BITS = 40
_WAITING_MAX = 5000   # events of a stream behind a message whose id nobody has told yet
_PROBLEMS_MAX = 1000  # sentences kept; all are counted


class _Stream:
    """What one subscription has seen of one topic, over all of its resumes."""

    def __init__(self, topic, is_feed=False):
        self.topic = topic
        self.is_feed = is_feed
        self.active = False
        self.latest = False
        self.door, self.since = "v1", 0
        self.life = self.life_of_position = 0  # of the server: now, and when it gave the position
        self.heard = 0       # number of the newest event
        self.waiting = deque()  # (number, event) behind a message without a known id
        self.forget()

    def forget(self):
        self.seen = {}       # epoch -> Offsets
        self.epoch = None    # of the cursor; None: the next message is the first one
        self.offset = None   # of the cursor: the newest message delivered or skipped
        self.start = 0       # latest: what lies behind it has to come, the newest of each key
        # None: the next is offset + 1; "any": a hole in this epoch was told; "unknown": it may be in
        # another epoch too; or the exact id that was promised
        self.jump = None
        self.publishers = {}  # (publisher, epoch) -> newest seq
        self.stretch = {}     # publisher -> newest seq since the last hole that was told
        self.keys = {}        # key -> newest offset in this epoch

    def has(self, epoch, offset):
        return epoch in self.seen and offset in self.seen[epoch]


class HistoryChecker:
    """Takes events one at a time, so that a run of any length needs no list of them.

    `problems` are the first sentences about broken promises, `contexts` for each of them what its
    subscription had just done and seen, `broken` their number by rule, `counts` what was seen:
    messages, deliveries, resumes, gaps (all that was told of a loss).
    """

    def __init__(self):
        self.problems, self.contexts = [], []
        self._recent, self._about = RecentEvents(), None
        self.broken = Counter()
        self.counts = Counter()
        self._number = 0
        self._streams = {}      # (subscription, topic) -> _Stream
        self._by_name = {}      # subscription -> its streams
        self._feeds = {}        # subscription -> its newest `subscribed`, where it is a feed
        self._payloads = {}     # (topic, epoch) -> Fingerprints
        self._sent = {}         # (topic, publisher) -> Publishes
        self._logged = set()    # topics on which `sending` is logged
        self._acknowledged = {}  # (publisher, topic) -> (seq, epoch, offset)
        self._acknowledged_to = {}  # (topic, epoch) -> greatest offset
        self._keys = {}         # topic -> {key: (epoch, offset)}, the newest of each
        self._epochs = {}       # topic -> {epoch: its number}
        self._ends = Counter()  # topic -> how often its log was cleared
        self._watched = set()   # topics of `begins`
        self._restarts = 0
        self._absent = set()
        self._faults = {}       # fault -> (number, at, {topic: at of its first acknowledgement})
        self._spared = {}       # subscription -> number of the event until which it was away
        self._settled_at_end = []
        self._handlers = {name: getattr(self, "_" + name) for name in (
            "sending", "published", "subscribed", "history", "away", "back", "begins", "cleared",
            "restarted", "fault_ended", "recovery_due", "settled")}
        self._stream_handlers = {"message": self._message, "gap": self._gap, "lost": self._lost,
                                 "unsubscribed": self._unsubscribed,
                                 "subscribed": self._subscribed_stream}

    def add(self, event):
        self._number += 1
        self._recent.add(self._number, event)
        self._about = event.get("subscription")
        name = event["event"]
        if name in self._handlers:
            self._handlers[name](self._number, event)
        elif "topic" in event:
            stream = self._stream_of(event)
            if stream is not None:
                self._to_stream(stream, self._number, event)
        else:
            if name == "unsubscribed" and event["subscription"] in self._feeds:
                self._feeds[event["subscription"]]["active"] = False
            for stream in self._by_name.get(event["subscription"], ()):
                self._to_stream(stream, self._number, event)
        if name in ("gap", "lost") or event.get("recovered") is False:
            self.counts["gaps"] += 1

    def finish(self):
        """The problems, after what can only be said at the end."""
        for stream in self._streams.values():
            self._drain(stream, force=True)
        for number, event in self._settled_at_end:
            self._about = event["subscription"]
            self._check_settled(number, event)
        self._about = None
        for topic in self._watched:
            seen = list(self._epochs.get(topic, ()))
            if len(seen) > 1 + self._ends[topic] + self._restarts:
                self._fail(self._number, 5, f"{topic} had the epochs {', '.join(seen)}: more than "
                           f"{self._restarts} restarts and {self._ends[topic]} clearings explain")
        for (topic, publisher), sent in self._sent.items():
            for at, flags in enumerate(sent.flags):
                if flags == ACKNOWLEDGED | SKIPPED:
                    self._fail(self._number, 5, f"{topic}: seq {sent.seqs[at]} of {publisher} was "
                               "acknowledged, and a subscriber that was told of no loss never got it")
        return self.problems

    def _fail(self, number, rule, what):
        self.broken[rule] += 1
        if len(self.problems) < _PROBLEMS_MAX:
            self.problems.append(f"event {number}: rule {rule}: {what}")
            self.contexts.append(self._recent.around(self._about, number))

    def _parse(self, number, text):
        found = _ID.match(text) if isinstance(text, str) else None
        if not found:
            self._fail(number, 1, f"not a message id: {text!r}")
            return None
        return found[1], int(found[2])

    def _epoch_number(self, topic, epoch):
        epochs = self._epochs.setdefault(topic, {})
        return epochs.setdefault(epoch, len(epochs) + 1)

    # Rule 3, for whatever carries an id and a payload.

    @staticmethod
    def _fingerprint(payload):
        return hash(json.dumps(payload, sort_keys=True, ensure_ascii=False)) or 1

    def _payload_of(self, number, topic, place, fingerprint, payload):
        self._epoch_number(topic, place[0])
        known = self._payloads.get((topic, place[0]))
        if known is None:
            known = self._payloads[(topic, place[0])] = Fingerprints()
        if known.setdefault(place[1], fingerprint) != fingerprint:
            self._fail(number, 3, f"{topic} {place[0]}-{place[1]} is "
                       f"{json.dumps(payload)[:200]}, and was something else before")

    # Publishing.

    def _sending(self, _number, event):
        self.counts["sent"] += 1
        self._logged.add(event["topic"])
        sent = self._sent.setdefault((event["topic"], event["publisher"]), Publishes())
        sent.add(event["seq"], self._fingerprint(event["payload"]))

    def _published(self, number, event):
        self.counts["acknowledged"] += 1
        topic, seq = event["topic"], event["seq"]
        for _, at, first in self._faults.values():
            first.setdefault(topic, event.get("at", at))
        sent = self._sent.get((topic, event["publisher"]))
        index = sent.find(seq) if sent is not None else None
        if index is not None:
            sent.flags[index] |= ACKNOWLEDGED
        if event.get("id") is None:
            return
        place = self._parse(number, event["id"])
        if place is None:
            return
        epoch, offset = place
        if offset == 0:
            self._fail(number, 3, f"offset 0 given to a message of {topic}")
        who = (event["publisher"], topic)
        before = self._acknowledged.get(who)  # the one with the highest seq: answers may overtake
        if before and before[1] == epoch and (before[0] < seq) != (before[2] < offset):
            self._fail(number, 4, f"{who} got {event['id']} for seq {seq}, but offset "
                                  f"{before[2]} for seq {before[0]}")
        if before is None or before[0] < seq:
            self._acknowledged[who] = (seq, epoch, offset)
        top = self._acknowledged_to.get((topic, epoch), 0)
        self._acknowledged_to[(topic, epoch)] = max(top, offset)
        self._note_key(topic, event, place)
        if index is not None:
            self._payload_of(number, topic, place, sent.fingerprints[index],
                             [event["publisher"], seq])
            self._place_of(number, topic, event["publisher"], sent, index, place)

    def _place_of(self, number, topic, publisher, sent, index, place):
        code = self._epoch_number(topic, place[0]) << _OFFSET_BITS | place[1]
        if sent.places[index] == 0:
            sent.places[index] = code
        elif sent.places[index] != code:
            self._fail(number, 5, f"{topic}: seq {sent.seqs[index]} of {publisher} is there twice, "
                                  f"as {place[0]}-{place[1]} too")

    def _note_key(self, topic, event, place):
        if event.get("key") is not None:
            newest = self._keys.setdefault(topic, {})
            known = newest.get(event["key"])
            if known is None or known[0] != place[0] or known[1] < place[1]:
                newest[event["key"]] = place

    # Subscriptions.

    def _stream_of(self, event, create=False):
        key = (event["subscription"], event["topic"])
        stream = self._streams.get(key)
        if stream is None:
            feed = self._feeds.get(event["subscription"])
            if feed is None and not create and event["event"] == "message":
                self._fail(self._number, 1, f"{key[0]} got {key[1]} {event['id']} without being "
                                            "subscribed")
            elif feed is None and not create and event["event"] == "gap":
                self._fail(self._number, 1, f"{key[0]} got a gap without being subscribed")
            if not create and (feed is None or event["event"] != "message"):
                return None
            stream = self._streams[key] = _Stream(event["topic"], feed is not None)
            self._by_name.setdefault(key[0], []).append(stream)
            if feed is not None:
                stream.active = feed.get("active", False)
                stream.latest = feed.get("mode", "all") == "latest"
                stream.door, stream.since = feed.get("door", "v1"), feed["number"]
                stream.life = stream.life_of_position = feed.get("life", 0)
        return stream

    def _to_stream(self, stream, number, event):
        if event["event"] != "unsubscribed":
            stream.heard = number
        stream.waiting.append((number, event))
        self._drain(stream)

    def _drain(self, stream, force=False):
        """Handles what waits, up to a message whose id is not known; with `force` beyond it."""
        while stream.waiting:
            number, event = stream.waiting[0]
            self._about = event["subscription"]
            place = None
            if event["event"] == "message":
                place = self._place_of_message(stream, number, event,
                                               force or len(stream.waiting) > _WAITING_MAX)
                if place == "unknown":
                    return
            stream.waiting.popleft()
            if event["event"] == "message":
                if place is not None:
                    self._message(number, stream, event, place)
            else:
                self._stream_handlers[event["event"]](number, stream, event)

    def _place_of_message(self, stream, number, event, force):
        """(epoch, offset); None when there is nothing to check; "unknown" when it has to wait."""
        if event["id"] is not None:
            return self._parse(number, event["id"])
        sent = self._sent.get((event["topic"], event["publisher"]))
        index = sent.find(event["seq"]) if sent is not None else None
        if index is None:
            self._fail(number, 3, f"{event['subscription']} got seq {event['seq']} of "
                                  f"{event['publisher']}, which nobody had sent")
            return None
        code = sent.places[index]
        if code:
            epochs = list(self._epochs[event["topic"]])
            return epochs[(code >> _OFFSET_BITS) - 1], code & ((1 << _OFFSET_BITS) - 1)
        if not force:
            return "unknown"
        if stream.jump is None and stream.epoch is not None:
            return stream.epoch, stream.offset + 1  # its payload is compared with what others see
        return None

    def _subscribed(self, number, event):
        name = event["subscription"]
        if "after" in event and event["after"] is not None:
            self.counts["resumes"] += 1
        if not event.get("feed"):
            self._to_stream(self._stream_of(event, create=True), number, event)
            return
        before = self._feeds.get(name)
        if before is not None and before.get("active"):
            self._fail(number, 2, f"{name} was subscribed already")
        self._feeds[name] = {**event, "active": True, "number": number}
        self._by_name.setdefault(name, [])
        for stream in self._by_name[name]:
            self._to_stream(stream, number, event)

    def _subscribed_stream(self, number, stream, event):
        name = event["subscription"]
        if stream.active:
            self._fail(number, 2, f"{name} was subscribed already")
        stream.active = True
        stream.door, stream.since = event.get("door", "v1"), number
        stream.latest = event.get("mode", "all") == "latest"
        stream.stretch = {} if stream.latest else stream.stretch
        after, recovered = event.get("after"), event.get("recovered")
        if "door" not in event and ("recovered" in event) != (after is not None):
            self._fail(number, 1, f"{name}: `recovered` does not go with `after`: {event}")
        if event.get("feed"):
            stream.life_of_position, stream.life = stream.life, event.get("life", 0)
            if after is None:
                stream.forget()
            elif recovered is False:
                self._lost(number, stream, event)
            return
        last = self._parse(number, event["last"]) if event.get("last") is not None else None
        if after is None:
            stream.stretch = {}
            stream.epoch, stream.offset = last or (None, None)
            stream.start = stream.offset or 0
            stream.jump = None
        elif after == "first":
            self._told(stream)
            if "door" in event:
                stream.jump = "unknown"
            elif last:
                # The oldest that is kept may be any up to the one after `last`.
                stream.epoch, stream.offset = last[0], 0
                stream.jump = "any"
            if "door" not in event and recovered is not True:
                self._fail(number, 1, f"{name}: `first` was not recovered")
        elif recovered or recovered is None and "door" in event:
            self._resumed(number, stream, event, last)
        else:
            self._told(stream)
            if last:
                same_epoch = last[0] == stream.epoch
                stream.epoch = last[0]
                stream.offset = stream.offset if same_epoch and stream.offset else 0
                stream.offset = min(stream.offset, last[1])
            stream.jump = "any" if last else "unknown"

    def _resumed(self, number, stream, event, last):
        place = self._parse(number, event["after"])
        if place is None:
            return
        if place != (stream.epoch, stream.offset):
            if stream.offset is not None and stream.seen:
                stream.seen.clear()  # the client itself went elsewhere
            stream.stretch = {}
            stream.start = place[1]
        stream.epoch, stream.offset = place
        if last and (last[0] != place[0] or last[1] < place[1]):
            self._fail(number, 1, f"{event['subscription']}: recovered from {event['after']}, but "
                                  f"`last` is {event['last']}")
        stream.jump = None

    @staticmethod
    def _told(stream):
        """A loss was told: what was skipped is no hole."""
        stream.stretch = {}

    def _message(self, number, stream, event, place):
        self.counts["deliveries"] += 1
        name, (epoch, offset) = event["subscription"], place
        self._payload_of(number, stream.topic, place, self._fingerprint(event["payload"]),
                         event["payload"])
        self._note_key(stream.topic, event, place)
        if not stream.active:
            self._fail(number, 1, f"{name} got {stream.topic} {epoch}-{offset} without being "
                                  "subscribed")
            return
        if stream.has(epoch, offset):
            self._fail(number, 2, f"{name} got {stream.topic} {epoch}-{offset} twice")
            return
        if stream.epoch is not None:
            self._check_offset(number, name, stream, epoch, offset)
        if stream.jump is not None or stream.epoch != epoch:
            promised = _ID.match(stream.jump or "")
            # Behind a gap to an id `latest` owes the newest of each key from that id on.
            stream.start = (int(promised[2]) if promised else offset) - 1
            if stream.epoch != epoch:
                stream.keys = {}
        stream.seen.setdefault(epoch, Offsets()).add(offset)
        stream.epoch, stream.offset, stream.jump = epoch, offset, None
        stream.life_of_position = stream.life
        if event.get("key") is not None:
            stream.keys[event["key"]] = offset
        self._check_publisher(number, name, stream, event, place)

    def _check_offset(self, number, name, stream, epoch, offset):
        message_id = f"{epoch}-{offset}"
        if stream.jump == "unknown":
            if epoch == stream.epoch and offset <= stream.offset:
                self._fail(number, 1,
                           f"{name} went back from offset {stream.offset} to {offset}")
        elif stream.jump not in (None, "any"):
            promised = _ID.match(stream.jump)
            # `latest` may skip what a newer message has replaced, and a gap is told when the log is
            # cleared: before there is a message. What it owes of each key is looked at in the end.
            is_newer = stream.latest and epoch == promised[1] and offset > int(promised[2])
            if message_id != stream.jump and not is_newer:
                self._fail(number, 1,
                           f"{name} got {message_id}, the gap had promised {stream.jump}")
        elif epoch != stream.epoch:
            self._fail(number, 1, f"{name} got {message_id}: another epoch than {stream.epoch}, "
                                  f"and no gap said so ({stream.door} since event {stream.since})")
        elif stream.jump == "any" or stream.latest:
            if offset <= stream.offset:
                self._fail(number, 1,
                           f"{name} went back from offset {stream.offset} to {offset}")
        elif offset != stream.offset + 1:
            self._fail(number, 1, f"{name} got {stream.topic} offset {offset} after "
                                  f"{stream.offset} ({stream.door} since event {stream.since})")

    def _check_publisher(self, number, name, stream, event, place):
        publisher, seq = event.get("publisher"), event.get("seq")
        if publisher is None:
            return
        sent = self._sent.get((event["topic"], publisher))
        index = sent.find(seq) if sent is not None else None
        if index is not None:
            self._place_of(number, event["topic"], publisher, sent, index, place)
        elif event["topic"] in self._logged:
            self._fail(number, 3, f"{name} got {(event['topic'], publisher, seq)}, which nobody had "
                                  "sent")
        before = stream.publishers.get((publisher, place[0]))
        if before is not None and before >= seq:
            self._fail(number, 4, f"{name} got seq {seq} of {publisher} after {before}")
        stream.publishers[(publisher, place[0])] = seq
        if stream.latest or sent is None:
            return
        before = stream.stretch.get(publisher)
        if before is not None and seq > before + 1:
            self._skip(sent, sent.between(before, seq))
        stream.stretch[publisher] = seq

    @staticmethod
    def _skip(sent, indexes):
        for index in indexes:
            sent.flags[index] |= SKIPPED

    def _gap(self, number, stream, event):
        name = event["subscription"]
        if not stream.active:
            self._fail(number, 1, f"{name} got a gap without being subscribed")
            return
        self._told(stream)
        after = self._parse(number, event["after"]) if event["after"] is not None else None
        following = self._parse(number, event["next"]) if event["next"] is not None else None
        is_known = stream.epoch is not None and stream.jump is None
        if after and is_known and after != (stream.epoch, stream.offset):
            self._fail(number, 1, f"{name}: a gap after {event['after']}, but the last one was "
                                  f"{stream.epoch}-{stream.offset}")
        if after and following and after[0] == following[0] and following[1] <= after[1] + 1:
            self._fail(number, 1,
                       f"{name}: a gap from {event['after']} to {event['next']} misses nothing")
        stream.jump = event["next"] if following else "unknown"

    def _lost(self, _number, stream, _event):
        self._told(stream)
        if stream.is_feed and stream.life_of_position != stream.life:
            # The position was of another process: this one cannot know what the client has of a
            # log that outlived it, and gives all that is kept.
            stream.forget()
        else:
            stream.jump = "unknown"

    def _unsubscribed(self, _number, stream, event):
        stream.active = False

    def _history(self, number, event):
        before = None
        after = self._parse(number, event["after"]) if event.get("after") not in (None,
                                                                                  "first") else None
        for entry in event["messages"]:
            place = self._parse(number, entry["id"])
            if place is None:
                continue
            self._payload_of(number, event["topic"], place, self._fingerprint(entry["payload"]),
                             entry["payload"])
            if before and place != (before[0], before[1] + 1):
                self._fail(number, 1, f"history of {event['topic']} goes from {before} to {place}")
            if before is None and after and not event.get("gap") and place != (after[0],
                                                                               after[1] + 1):
                self._fail(number, 1,
                           f"history of {event['topic']} after {after} begins with {place}")
            before = place

    # Faults of the whole server.

    def _begins(self, _number, event):
        self._watched.update(event["topics"])

    def _cleared(self, _number, event):
        self._ends[event["topic"]] += 1

    def _restarted(self, _number, event):
        self._restarts += not event.get("keeps", False)

    def _away(self, _number, event):
        self._absent.add(event["subscription"])

    def _back(self, number, event):
        self._absent.discard(event["subscription"])
        self._spared[event["subscription"]] = number

    def _fault_ended(self, number, event):
        self._faults[event["fault"]] = (number, event["at"], {})

    def _recovery_due(self, number, event):
        since, ended, first = self._faults.pop(event["fault"])
        half = ended + (event["at"] - ended) / 2  # who publishes later has not been waited for
        for (name, topic), stream in self._streams.items():
            if name in self._absent or self._spared.get(name, 0) > since or \
                    first.get(topic, event["at"]) > half:
                continue
            if stream.heard <= since:
                self._about = name
                self._fail(number, 6, f"{name} has received nothing of {topic} "
                                      f"{event['at'] - ended:.1f} s after {event['fault']}, its last "
                                      f"event is {stream.heard}, of any topic "
                                      f"{max(each.heard for each in self._by_name[name])}, "
                                      f"{'subscribed' if stream.active else 'not subscribed'}")

    # The end.

    def _settled(self, number, event):
        self._settled_at_end.append((number, event))

    def _check_settled(self, number, event):
        name, topic = event["subscription"], event["topic"]
        stream = self._streams.get((name, topic))
        last = self._parse(number, event["last"])
        if last is None:
            return
        acknowledged = self._acknowledged_to.get((topic, last[0]), 0)
        if acknowledged > last[1]:
            self._fail(number, 5, f"{topic} {last[0]}-{acknowledged} was acknowledged, and the log "
                                  f"ends at {event['last']}")
        if stream is None:
            self._fail(number, 1, f"{name} settled, but has never seen {topic}")
            return
        if stream.jump in ("any", "unknown") and last[1] == 0:
            return  # nothing was kept
        if (stream.epoch, stream.offset) != last:
            self._fail(number, 1, f"{name} stopped at {stream.epoch}-{stream.offset}, "
                                  f"{topic} went on to {event['last']}")
            return
        if stream.latest:
            for key, (epoch, offset) in self._keys.get(topic, {}).items():
                if epoch == stream.epoch and offset > stream.start and \
                        stream.keys.get(key, 0) < offset:
                    self._fail(number, 5, f"{name} has not the newest of the key {key} of {topic}, "
                                          f"{epoch}-{offset}")
            return
        for publisher, seq in stream.stretch.items():
            sent = self._sent[(topic, publisher)]
            self._skip(sent, sent.between(seq, None))


def check_history(events):
    """The broken promises in `events`, as sentences; an empty list when all were kept."""
    checker = HistoryChecker()
    for event in events:
        checker.add(event)
    return checker.finish()


def main(paths):
    problems = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            problems += check_history(json.loads(line) for line in file if line.strip())
    print("\n".join(problems) or "all promises were kept")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
