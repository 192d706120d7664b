"""The last events of each subscription of a run, so that a problem can be shown where it happened."""

import json
from collections import deque
from heapq import merge

MESSAGES = 200          # kept of each subscription,
TURNS = 50              # and of what is no message: it subscribes, is told of a loss, goes
OF_EVERYBODY = 50       # faults of the server, which are everybody's
SHOWN_MESSAGES = 10
SHOWN_OTHERS = 6
SHOWN_AFTER = 3
_TEXT_MAX = 30          # characters of a payload's strings: padding says nothing
_FREQUENT = {"sending", "published", "history"}  # none of them says where a subscription was


def _line(number, event):
    def short(value):
        if isinstance(value, list):
            return [short(each) for each in value]
        if isinstance(value, str) and len(value) > _TEXT_MAX:
            return value[:_TEXT_MAX] + "..."
        return value

    shown = {name: value if name in ("subscription", "after", "last") else short(value)
             for name, value in event.items()}
    return f"  event {number}: {json.dumps(shown, ensure_ascii=False)}"


def _number_of(entry):
    return entry[0]


class RecentEvents:
    """Keeps events with their numbers; the oldest of a subscription go."""

    def __init__(self):
        self._by_name = {}
        self._of_everybody = deque(maxlen=OF_EVERYBODY)

    def add(self, number, event):
        name = event.get("subscription")
        if name is None:
            if event["event"] not in _FREQUENT:
                self._of_everybody.append((number, event))
            return
        recent = self._by_name.get(name)
        if recent is None:
            recent = self._by_name[name] = deque(maxlen=MESSAGES), deque(maxlen=TURNS)
        recent[event["event"] != "message"].append((number, event))

    def around(self, name, number):
        """Lines: what `name` and the server did about event `number`, as far as it is kept."""
        messages, turns = self._by_name.get(name, ((), ()))
        others = merge(turns, self._of_everybody, key=_number_of)
        shown = sorted([each for each in messages if each[0] <= number][-SHOWN_MESSAGES:] +
                       [each for each in others if each[0] <= number][-SHOWN_OTHERS:],
                       key=_number_of)
        later = merge(messages, turns, self._of_everybody, key=_number_of)
        shown += [each for each in later if each[0] > number][:SHOWN_AFTER]
        return [_line(*each) for each in shown]
