"""Proves from a log of events what the server promises about presence.

The clients of a test write what they did and what they were told. Of each of their subscriptions
the checker knows when it may have made a member, and when it must have: between the two lie what is
under way, and what the server cannot know yet (a peer that has gone without a word).

1. One order: of one user a subscription is told `join`, `leave`, `join`...
2. No join of somebody who was not there.
3. No leave of somebody who was there all the time.
4. Whoever follows the joins and leaves, after an answer to `members`, knows who is there.
5. A list has each user who is there once, with as many connections as it has, and nobody else.
6. The number is that of the members, and is told at most once a second.

Events (`event`, `at` in seconds, and):

  entering   subscription, topic, user (None: nobody's), watches ("members", "count" or None)
             before the command leaves
  entered    subscription             its answer
  unsure     subscription             its client reads nothing for a while: what the server makes of
                                      that, it does not hear
  sure       subscription             the server has answered it since
  leaving    subscription             before `unsubscribe`, or when the client has left
  gone       subscription, by         the server has to know by then that it has left
  told       subscription, op (join, leave: user; count: number)
  listed     topic, asked, count, members (None: only the number was said) [, subscription]
             `members` are [user, connections]; `subscription`: it has asked, and believes it
  look                                now and then: what everybody who watches believes is judged
  restarted                           the server is: nobody is anywhere

A subscription's name is its own: who comes back has another one.
"""

from collections import Counter, deque

SLACK_SECONDS = 3.0   # from an answer to what it means at the topic's home, or to who reads it
LAG_SECONDS = 10.0    # by which a watcher may lag: it pauses, rules are reloaded, the machine is busy
KEPT_SECONDS = 60.0   # of what is over
COUNTS_A_SECOND = 1
_PROBLEMS_MAX = 1000  # sentences kept; all are counted


class _Stay:
    """One subscription, as a stay of its user in the topic."""

    def __init__(self, event, slack):
        self._slack = slack
        self.name, self.topic, self.user = event["subscription"], event["topic"], event["user"]
        self.watches = event["watches"]
        self.began = event["at"]
        self.ended = False      # by its client, or with the server
        self.gone_by = None     # the server knows by then; None: it is there
        self.sure = []          # (from, to) when it was a member without a doubt
        self.sure_since = None  # likewise, and still is
        self.view = None        # who is there, as its client believes: a set, or the number
        self.last = {}          # user -> (op, at): the newest that it was told
        self.numbers = 0        # how often it was told one

    def trust(self, at):
        if not self.ended and self.sure_since is None:
            self.sure_since = at

    def doubt(self, at):
        if self.sure_since is not None:
            self.sure.append((self.sure_since, at))
            self.sure_since = None

    def end(self, at):
        self.doubt(at)
        self.ended = True

    def is_sure(self, start, end):
        """It was a member from `start` to `end`, whatever was under way."""
        if self.sure_since is not None and self.sure_since + self._slack <= start:
            return True
        return any(since + self._slack <= start and end <= until - self._slack
                   for since, until in self.sure)

    def may_be(self, start, end):
        """It may have been one for some of that time."""
        return self.began <= end and (self.gone_by is None or start <= self.gone_by)


class PresenceChecker:
    """Takes events as they happen. `slowness` stretches every time that is allowed for."""

    def __init__(self, slowness=1.0):
        self._slack, self._lag = SLACK_SECONDS * slowness, LAG_SECONDS * slowness
        self._stays = {}         # by name
        self._by_topic = {}      # topic -> user -> stays
        self._waiting = deque()  # (due, judge, what it takes): what is over by then has been told
        self._now = 0.0
        self.counts = Counter()
        self.broken = Counter()
        self.problems = []

    def add(self, event):
        self._now = event["at"]
        getattr(self, "_" + event["event"])(event)
        while self._waiting and self._waiting[0][0] <= self._now:
            _, judge, taken = self._waiting.popleft()
            judge(*taken)

    def finish(self):
        """Judges what has waited; the sentences."""
        while self._waiting:
            _, judge, taken = self._waiting.popleft()
            judge(*taken)
        return self.problems

    def view_of(self, subscription):
        """What its client believes; None: nothing yet."""
        stay = self._stays.get(subscription)
        return None if stay is None else stay.view

    def differences(self, lists):
        """Sentences, where nothing is under way any more: `lists` has what the API says of each
        topic, {user: connections} or a number. What everybody believes has to be that as well."""
        found = []
        for topic, listed in lists.items():
            there = Counter({user: count for user, stays in self._by_topic.get(topic, {}).items()
                             if user is not None and
                             (count := sum(not stay.ended for stay in stays))})
            expected = dict(there) if isinstance(listed, dict) else len(there)
            if listed != expected:
                found.append(f"rule 5: the API says of {topic} {listed}: it is {expected}")
            for stay in self._stays.values():
                if stay.topic != topic or stay.ended:
                    continue
                if stay.sure_since is None:
                    found.append(f"rule 4: {stay.name} is not answered")
                elif stay.watches == "members" and stay.view != set(there):
                    found.append(f"rule 4: {stay.name} believes of {topic} {_names(stay.view)}: "
                                 f"there are {_names(there)}")
                elif stay.watches == "count" and stay.view != len(there):
                    found.append(f"rule 6: {stay.name} believes of {topic} {stay.view}: "
                                 f"there are {len(there)}")
        return found

    def report(self, sentences):
        """What `differences` found at the end."""
        for sentence in sentences:
            self._broke(int(sentence.split(":")[0].removeprefix("rule ")),
                        sentence.split(": ", 1)[1])

    def _broke(self, rule, what):
        self.broken[rule] += 1
        if len(self.problems) < _PROBLEMS_MAX:
            self.problems.append(f"rule {rule}: {what} (presence, at {self._now:.3f} s)")

    def _later(self, judge, *taken):
        self._waiting.append((self._now + self._slack, judge, taken))

    def _users(self, topic):
        return {user: stays for user, stays in self._by_topic.get(topic, {}).items()
                if user is not None}

    # Lives.

    def _entering(self, event):
        stay = _Stay(event, self._slack)
        assert stay.name not in self._stays, stay.name
        self._stays[stay.name] = stay
        stays = self._by_topic.setdefault(stay.topic, {}).setdefault(stay.user, [])
        for old in [each for each in stays
                    if each.gone_by is not None and each.gone_by < self._now - KEPT_SECONDS]:
            stays.remove(old)
            del self._stays[old.name]
        stays.append(stay)

    def _entered(self, event):
        self._stays[event["subscription"]].trust(event["at"])
        self.counts["stays"] += 1

    def _sure(self, event):
        self._stays[event["subscription"]].trust(event["at"])

    def _unsure(self, event):
        self._stays[event["subscription"]].doubt(event["at"])

    def _leaving(self, event):
        if event["subscription"] in self._stays:
            self._stays[event["subscription"]].end(event["at"])

    def _gone(self, event):
        stay = self._stays.get(event["subscription"])
        if stay is not None:
            stay.gone_by = max(stay.gone_by or 0, event["by"])

    def _restarted(self, event):
        for stay in self._stays.values():
            if not stay.ended:
                stay.end(event["at"])
                stay.gone_by = max(stay.gone_by or 0, event["at"])

    # What is told.

    def _told(self, event):
        stay = self._stays.get(event["subscription"])
        if stay is None:
            return
        if event["op"] == "count":
            self._count_told(stay, event["number"])
            return
        user, op, at = event["user"], event["op"], event["at"]
        self.counts["changes"] += 1
        last_op, last_at = stay.last.get(user, (None, stay.began))
        if op == last_op:
            self._broke(1, f"{stay.name} was told the {op} of {user} in {stay.topic} twice")
        since = last_at - self._lag
        stays = self._by_topic[stay.topic].get(user, ())
        if op == "join" and not any(each.may_be(since, at) for each in stays):
            self._broke(2, f"{stay.name} was told that {user} came to {stay.topic}")
        if op == "leave":
            # It was away for a moment after the join was told, so after the user had come at all.
            first = min((each.began for each in stays if each.may_be(since, at)), default=at)
            self._later(self._judge_leave, stay, user, max(since, first + 2 * self._slack), at)
        stay.last[user] = op, at
        if stay.view is not None:
            (stay.view.add if op == "join" else stay.view.discard)(user)

    def _judge_leave(self, stay, user, since, at):
        stays = self._by_topic[stay.topic].get(user, ())
        if since < at and any(each.is_sure(since, at) for each in stays):
            self._broke(3, f"{stay.name} was told that {user} left {stay.topic} "
                           f"({_lives(stays, at)})")

    def _count_told(self, stay, number):
        self.counts["numbers"] += 1
        stay.numbers += 1
        stay.view = number
        # One at once, where the number is known, and another one as soon as it is due.
        if stay.numbers > (self._now - stay.began) * COUNTS_A_SECOND + 2:
            self._broke(6, f"{stay.name} was told {stay.numbers} numbers of {stay.topic} within "
                           f"{self._now - stay.began:.1f} s")
        self._later(self._judge_number, stay.name, stay.topic, number, self._now - self._lag,
                    self._now)

    def _judge_number(self, who, topic, number, since, at):
        users = self._users(topic).values()
        least = sum(any(stay.is_sure(since, at) for stay in stays) for stays in users)
        most = sum(any(stay.may_be(since, at) for stay in stays) for stays in users)
        if number is None or not least <= number <= most:
            self._broke(6, f"{who} believes that {number} are in {topic}: {least} to {most} are")

    def _listed(self, event):
        self.counts["lists"] += 1
        if "subscription" in event:
            stay = self._stays.get(event["subscription"])
            if stay is not None and event["members"] is not None:
                stay.view = {user for user, _ in event["members"]}
        self._later(self._judge_list, event)

    def _judge_list(self, event):
        topic, since, at = event["topic"], event["asked"], event["at"]
        listed = Counter(user for user, _ in event["members"] or ())
        connections = dict(event["members"] or ())
        least_users = most_users = 0
        for user, stays in self._users(topic).items():
            least = sum(stay.is_sure(since, at) for stay in stays)
            most = sum(stay.may_be(since, at) for stay in stays)
            least_users += least > 0
            most_users += most > 0
            if event["members"] is None or (least == 0 and listed[user] == 0):
                continue
            if least > 0 and listed[user] != 1:
                self._broke(5, f"a list of {topic} has {user} {listed[user]} times")
            elif not least <= connections[user] <= most:
                self._broke(5, f"a list of {topic} gives {user} {connections[user]} connections: "
                               f"it has {least} to {most} ({_lives(stays, since)})")
        for user in listed.keys() - self._users(topic).keys():
            self._broke(5, f"a list of {topic} has {user}, who never was there")
        if not least_users <= event["count"] <= most_users:
            self._broke(5, f"a list of {topic} counts {event['count']}: "
                           f"{least_users} to {most_users} are there")

    def _look(self, event):
        for stay in self._stays.values():
            # It has read without a pause for long enough to know.
            if stay.watches is None or stay.sure_since is None or \
                    stay.sure_since > event["at"] - self._lag - self._slack:
                continue
            self.counts["looks"] += 1
            if stay.watches == "count":
                self._later(self._judge_number, stay.name, stay.topic, stay.view,
                            event["at"] - self._lag, event["at"])
            else:
                self._later(self._judge_view, stay, set(stay.view or ()), event["at"])

    def _judge_view(self, stay, view, at):
        since = at - self._lag
        if not stay.is_sure(since, at):
            return  # It was cut off, and had not heard of that.
        for user, stays in self._users(stay.topic).items():
            if user not in view and any(each.is_sure(since, at) for each in stays):
                self._broke(4, f"{stay.name} does not know that {user} is in {stay.topic}")
            if user in view and not any(each.may_be(since, at) for each in stays):
                self._broke(4, f"{stay.name} does not know that {user} has left {stay.topic}")
        for user in view - self._users(stay.topic).keys():
            self._broke(4, f"{stay.name} believes that {user} is in {stay.topic}")


def _lives(stays, at):
    """Those that are not long over, in seconds from `at` on."""
    def spell(stay):
        sure = stay.sure + ([(stay.sure_since, None)] if stay.sure_since is not None else [])
        return f"{stay.name} from {stay.began - at:.1f}, sure " + ", ".join(
            f"{since - at:.1f} to " + ("now" if until is None else f"{until - at:.1f}")
            for since, until in sure) + (
                "" if stay.gone_by is None else f", gone by {stay.gone_by - at:.1f}")

    return "; ".join(spell(stay) for stay in stays
                     if stay.gone_by is None or stay.gone_by > at - 15)


def _names(users):
    return "nobody yet" if users is None else ", ".join(sorted(users)) or "nobody"
