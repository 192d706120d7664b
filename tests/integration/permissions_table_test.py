"""Who may do what: each value of a rule, each act, each kind of client, at each door, as one table.

A cell is what the client gets: `+` it may, `401` it has to say who it is, `403` nothing would help.
"""

import json

import pytest

from sse_client import SseClient, ask_stream
from tokens import SECRET, token
from websocket_client import upgrade_headers

AUTH = {"hmac_secret": SECRET}

RULES = [
    {"match": "anyone.>", "subscribe": "anyone", "publish": "anyone"},
    {"match": "authenticated.>", "subscribe": "authenticated", "publish": "authenticated"},
    {"match": "token.>", "subscribe": "token", "publish": "token"},
    {"match": "subscriber.>", "subscribe": "anyone", "publish": "subscriber"},
    {"match": "nobody.>", "subscribe": "nobody", "publish": "nobody"},
    {"match": "own.{user}.>", "subscribe": "authenticated", "publish": "authenticated"},
    {"match": "own-token.{user}.>", "subscribe": "token", "publish": "token"},
]

# The topic of a rule; that of the rules with {user} is ann's.
TOPICS = {rule["match"].split(".")[0]: rule["match"].replace("{user}", "ann").replace(">", "x")
          for rule in RULES}
TOPICS["no-rule"] = "no-rule.x"

LISTED = list(TOPICS.values())
LISTED_AS_PATTERNS = [topic[:-1] + ">" for topic in LISTED]

CLIENTS = {
    "anonymous": None,
    "ann": token("ann"),
    "bob": token("bob"),
    "topics": token("ann", subscribe=LISTED, publish=LISTED),  # ann, her topics in the token
    "patterns": token("ann", subscribe=LISTED_AS_PATTERNS, publish=LISTED_AS_PATTERNS),
    "bob-patterns": token("bob", subscribe=LISTED_AS_PATTERNS, publish=LISTED_AS_PATTERNS),
}

TABLE = """
act        rule           anonymous  ann  bob  topics  patterns  bob-patterns

subscribe  anyone         +          +    +    +       +         +
subscribe  authenticated  401        +    +    +       +         +
subscribe  token          401        403  403  +       +         +
subscribe  subscriber     +          +    +    +       +         +
subscribe  nobody         403        403  403  403     403       403
subscribe  own            401        +    403  +       +         403
subscribe  own-token      401        403  403  +       +         403
subscribe  no-rule        403        403  403  403     403       403

history    anyone         +          +    +    +       +         +
history    authenticated  401        +    +    +       +         +
history    token          401        403  403  +       +         +
history    subscriber     +          +    +    +       +         +
history    nobody         403        403  403  403     403       403
history    own            401        +    403  +       +         403
history    own-token      401        403  403  +       +         403
history    no-rule        403        403  403  403     403       403

pattern    anyone         +          +    +    +       +         +
pattern    authenticated  401        +    +    +       +         +
pattern    token          401        403  403  403     +         +
pattern    subscriber     +          +    +    +       +         +
pattern    nobody         403        403  403  403     403       403
pattern    own            401        +    403  +       +         403
pattern    own-token      401        403  403  403     +         403
pattern    no-rule        403        403  403  403     403       403

publish    anyone         +          +    +    +       +         +
publish    authenticated  401        +    +    +       +         +
publish    token          401        403  403  +       +         +
publish    subscriber     403        403  403  403     403       403
publish    nobody         403        403  403  403     403       403
publish    own            401        +    403  +       +         403
publish    own-token      401        403  403  +       +         403
publish    no-rule        403        403  403  403     403       403

publish-subscribed  anyone         +    +    +    +    +    +
publish-subscribed  authenticated  401  +    +    +    +    +
publish-subscribed  token          401  403  403  +    +    +
publish-subscribed  subscriber     +    +    +    +    +    +
"""

# What a reload does to a subscription: it stays (`+`) or it ends (`-`); `.`: there never was one.
WITHDRAWN = """
before         after          anonymous  ann  bob  topics  patterns  bob-patterns

anyone         anyone         +          +    +    +       +         +
anyone         authenticated  -          +    +    +       +         +
anyone         token          -          -    -    +       +         +
anyone         nobody         -          -    -    -       -         -
anyone         own            -          +    -    +       +         -
anyone         no-rule        -          -    -    -       -         -
authenticated  anyone         .          +    +    +       +         +
authenticated  token          .          -    -    +       +         +
authenticated  nobody         .          -    -    -       -         -
token          authenticated  .          .    .    +       +         +
token          own-token      .          .    .    +       +         -
token          nobody         .          .    .    -       -         -
own            authenticated  .          +    .    +       +         .
own            own-token      .          -    .    +       +         .
"""


def rows_of(table):
    lines = [line.split() for line in table.splitlines() if line.strip()]
    clients = lines[0][2:]
    assert clients == list(CLIENTS), "the head of the table names the clients"
    assert all(len(line) == len(lines[0]) for line in lines), "a cell is missing"
    return [(line[0], line[1], dict(zip(clients, line[2:]))) for line in lines[1:]]


def cells_of(table):
    return [(first, second, client, cell) for first, second, cells in rows_of(table)
            for client, cell in cells.items()]


@pytest.fixture(scope="module", params=[1, 2], ids=lambda n: f"{n}-reactors")
def reactors(request):
    return request.param


@pytest.fixture(scope="module")
def daemon_changes():
    return {"auth": AUTH, "topics": RULES}


def query_of(client, first="?"):
    return "" if CLIENTS[client] is None else f"{first}token={CLIENTS[client]}"


def v1_cell(answer):
    """The cell that an answer of wspush.v1 stands for."""
    codes = {"unauthenticated": "401", "forbidden": "403"}
    return codes[answer["code"]] if answer["op"] == "error" else "+"


def status_cell(answer):
    """The cell that an HTTP answer stands for, whose code has to be the right one."""
    if answer.status in (101, 200, 204):
        return "+"
    code = answer.error()["code"]
    assert code == {401: "unauthenticated", 403: "forbidden"}[answer.status], answer
    return str(answer.status)


def readers(daemon, client, target):
    """What each of the doors that begin with a request says to `target`."""
    cells = {}
    separator = "&" if "?" in target else "?"
    with daemon.http() as connection:
        cells["sse"] = status_cell(ask_stream(connection, target + query_of(client, separator)))
    with daemon.http() as connection:
        cells["poll"] = status_cell(connection.request(
            "GET", target + query_of(client, separator)))
    return cells


@pytest.mark.parametrize("act, rule, client, cell", cells_of(TABLE))
def test_the_table_holds(daemon, act, rule, client, cell):
    topic = TOPICS[rule]
    v1 = daemon.v1("/ws" + query_of(client))
    cells = {}
    if act == "subscribe":
        cells["v1"] = v1_cell(v1.call("subscribe", topic=topic))
        with daemon.http() as connection:
            cells["raw"] = status_cell(connection.request(
                "GET", f"/topics/{topic}{query_of(client)}", upgrade_headers()))
        cells.update(readers(daemon, client, f"/topics/{topic}"))
        cells.update({f"{door} of a set": each for door, each in readers(
            daemon, client, f"/topics?topic=anyone.other&topic={topic}").items()})
    elif act == "history":
        cells["v1"] = v1_cell(v1.call("history", topic=topic))
    elif act == "pattern":
        pattern = topic[:-1] + ">"
        cells["v1"] = v1_cell(v1.call("subscribe", topic=pattern))
        cells.update(readers(daemon, client, f"/topics?topic={pattern.replace('>', '%3E')}"))
    else:
        is_subscribed = act == "publish-subscribed"
        if is_subscribed and v1_cell(v1.call("subscribe", topic=topic)) != "+":
            assert cell != "+"
            return
        cells["v1"] = v1_cell(v1.call("publish", topic=topic, data="mine"))
        if is_subscribed:
            raw = daemon.raw(topic, query_of(client))  # Who is connected is subscribed.
            raw.send_text("mine")
            if cell == "+":
                assert raw.receive_text() in ('"mine"', "mine")
            else:
                raw.expect_close(1008)
    assert cells == dict.fromkeys(cells, cell)


class Subscribed:
    """One client that is subscribed to a topic in every way that there is."""

    def __init__(self, daemon, client, topic):
        self._query = query_of(client)
        self._v1 = daemon.v1("/ws" + self._query)
        self._v1.subscribe(topic)
        self._raw = daemon.raw(topic, self._query)
        self._sse = SseClient.open(None, f"/topics/{topic}{self._query}",
                                   connection=daemon.http()).start()
        self._poll = daemon.http()
        target = f"/topics/{topic}?wait=50{query_of(client, '&')}"
        last = self._poll.request("GET", target).header("Wspush-Last")
        self._poll.send_request("GET", f"{target}&after={last}")

    def expect_all_to_get(self, data):
        assert self._v1.next_op("message")["data"] == data
        assert self._raw.receive_text() == json.dumps(data)
        assert self._sse.data(1) == [json.dumps(data)]
        answer = self._poll.read_response().json()
        assert [each["data"] for each in answer["messages"]] == [data]

    def expect_all_to_end(self, topic):
        assert self._v1.next_event() == {"op": "unsubscribed", "topic": topic, "code": "forbidden"}
        self._raw.expect_close(1008)
        assert self._sse.expect_end() == []
        assert self._poll.read_response().status in (401, 403)


def rule_for_x(name):
    """The rules where `x.ann.y` is under that one; none of them: the topic is not there."""
    if name == "no-rule":
        return [{"match": "another.>"}]
    values = {rule["match"].split(".")[0]: rule for rule in RULES}[name]
    match = "x.{user}.>" if "{user}" in values["match"] else "x.>"
    return [{**values, "match": match}]


@pytest.mark.parametrize("before, after, cells", rows_of(WITHDRAWN))
def test_a_reload_ends_what_it_takes_away_and_nothing_else(start, reactors, before, after, cells):
    topic = "x.ann.y"
    listed = {"topics": [topic], "patterns": ["x.ann.>"], "bob-patterns": ["x.ann.>"]}
    users = {"topics": "ann", "patterns": "ann", "bob-patterns": "bob"}
    own = start({"auth": AUTH, "reactors": reactors, "topics": rule_for_x(before)})
    for client, entries in listed.items():
        CLIENTS[client + " of x"] = token(users[client], subscribe=entries)
    names = {client: client + " of x" if client in listed else client for client in cells}
    subscribed = {}
    for client, cell in cells.items():
        if cell == ".":
            own.v1("/ws" + query_of(names[client])).fails(
                "subscribe", "unauthenticated" if client == "anonymous" else "forbidden",
                topic=topic)
        else:
            subscribed[client] = Subscribed(own, names[client], topic)
    for client in listed:
        del CLIENTS[client + " of x"]
    own.reload_everywhere({"topics": rule_for_x(after)})
    for client, each in subscribed.items():
        if cells[client] == "-":
            each.expect_all_to_end(topic)
    if "+" in cells.values():
        own.publish(topic, "still here")
    for client, each in subscribed.items():
        if cells[client] == "+":
            each.expect_all_to_get("still here")
