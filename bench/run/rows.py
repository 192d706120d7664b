"""What scripts/bench measures: the tables of docs/performance.md, row by row."""

from plan import FLOOR, OURS, Baseline, Contender, Metric, Row, Server, Table

TO_FLOOR = Baseline(contender=FLOOR)
# On one machine whoever sends to a sleeping reader pays for waking it, the more often the slower the
# sends are: a server 1 % slower than the floor had to wake it 20 % more often, and looked 6 % slower.
SPINS = ("spin", None)
# Where a round is long, or there are many rows: peers differ by factors.
FEW_ROUNDS = 2

CPU_DELIVERY = Metric("cpu_us_per_delivery", "CPU of a delivery", "µs")
CPU_MESSAGE = Metric("cpu_us_per_message", "CPU of a message there and back", "µs")
LAST_P50 = Metric("latency_p50_us", "publish to the last subscriber, p50", "ms", factor=1e-3)
ARRIVAL_P50 = Metric("arrival_p50_us", "publish until the last subscriber's socket has it, p50", "ms",
                     factor=1e-3)
ROUND_TRIP = Metric("round_trip_p50_us", "there and back, p50", "µs", digits=0)
DELIVERIES = Metric("deliveries_per_second", "deliveries", "1,000/s", digits=0, factor=1e-3,
                    is_less_better=False, is_pace=True)
MESSAGES = Metric("messages_per_second", "messages there and back", "1,000/s", digits=0,
                  factor=1e-3, is_less_better=False, is_pace=True)


def ours(dialect="raw", load=(), name=OURS, **settings):
    return Contender(name, Server.of("wspushd", **settings), dialect, load)


def floor(mode, **settings):
    return Contender(FLOOR, Server.of("floor", mode=mode, **settings), "floor")


def ws(mode, dialect="floor", **settings):
    return Contender("ws", Server.of("node", mode=mode, **settings), dialect, is_peer=True)


def beast(mode):
    return Contender("Beast", Server.of("beast", mode=mode), "floor", is_peer=True)


NCHAN = Contender("nchan", Server.of("nchan"), "nchan", is_peer=True)
NATS = Contender("NATS", Server.of("nats"), "nats", is_peer=True)
MOSQUITTO = Contender("Mosquitto", Server.of("mosquitto"), "mqtt", is_peer=True)

FAN_OUT = (ours(), floor("fan-out"), NCHAN, ws("fan-out"), beast("fan-out"), NATS, MOSQUITTO)


def size_of(payload_bytes):
    return f"{payload_bytes // 1024} KiB" if payload_bytes % 1024 == 0 else f"{payload_bytes} B"


def fan_out_row(connections, payload_bytes, window, contenders, *, key="", label="", more=(),
                **options):
    options.setdefault("baseline", TO_FLOOR)
    if not options.get("load_gives_way"):
        more = (*more, SPINS)
    if connections >= 10000:
        options.setdefault("peer_rounds_max", FEW_ROUNDS)
        # So many sockets take a second until their congestion control has found its pace: before
        # that a delivery costs a third more, whoever sends it.
        options.setdefault("warm_up", 1.25)
        options.setdefault("seconds", 1.25)
    return Row(key=f"{connections}x{payload_bytes}w{window}{key}",
               label=f"{connections:,} × {size_of(payload_bytes)}, window {window}{label}",
               scenario="fan-out", contenders=contenders,
               load=(("connections", connections), ("payload-bytes", payload_bytes),
                     ("window", window), *more), **options)


def rate_row(connections, rate, contenders, **options):
    # At a few messages a second a round needs its time, whatever --seconds says of the others.
    options.setdefault("baseline", TO_FLOOR)
    more = () if options.get("load_gives_way") else (SPINS,)
    return Row(key=f"{connections}at{rate}", label=f"{connections:,} × 128 B, {rate}/s",
               scenario="fan-out", contenders=contenders, seconds=1.75, warm_up=1,
               peer_rounds_max=FEW_ROUNDS,
               load=(("connections", connections), ("payload-bytes", 128), ("rate", rate), *more),
               **options)


def fan_out():
    return Table(
        "fan-out", "Fan-out: one topic, one publisher",
        "Subscribers × payload. Window K: K messages leave the publisher in one write, the next K "
        "when the last subscriber has them all. Window 1 allows no coalescing; window 16 shows "
        "what it is worth. The load program does not sleep: waking it, which a network would do, "
        "is not charged to the server.",
        (CPU_DELIVERY, LAST_P50, DELIVERIES),
        tuple(fan_out_row(connections, payload_bytes, window, FAN_OUT)
              for connections, payload_bytes, window in (
                  (1000, 128, 1), (1000, 128, 16), (10000, 128, 1), (10000, 128, 16),
                  (1000, 1024, 16), (10000, 1024, 16))))


def rate():
    return Table(
        "rate", "Fan-out at a rate: how long until the last subscriber has it",
        "Open loop: messages leave at fixed times whether or not the ones before have arrived.",
        (LAST_P50, ARRIVAL_P50, CPU_DELIVERY),
        (rate_row(1000, 20, FAN_OUT), rate_row(10000, 5, FAN_OUT)))


def two_reactors():
    def pair(**settings):
        return (ours(name="2 reactors", reactors=2, **settings),
                ours(name="1 reactor", **settings))

    # A load of the idle class keeps its CPU for a slice all the same when it is woken first.
    first = pair(goes_first=True)
    to_one = {"baseline": Baseline(contender="1 reactor"), "load_gives_way": True}
    return Table(
        "two-reactors", "Two reactors beside one",
        "Which reactor has the publisher, and which the topic, is as it happens; with one "
        "subscriber the publisher, who gets its own message too, is half of the deliveries. On a "
        "machine of two CPUs the second reactor has that of the load program, which gives way to "
        "it: so windows say little about speed, and the time until the last socket has a message "
        "is taken from the kernel's stamps, not from when the load program came to read it. At a "
        "rate the server goes first in any case (`chrt --rr 1`).",
        (CPU_DELIVERY, ARRIVAL_P50, LAST_P50),
        (*(fan_out_row(connections, 128, window, pair(), **to_one)
           for connections, window in ((1, 1), (1, 16), (1000, 1), (1000, 16), (10000, 16))),
         rate_row(1000, 20, first, **to_one), rate_row(10000, 5, first, **to_one)))


def deflate():
    contenders = (ours(), ws("fan-out", "raw", deflate=True))
    rows = []
    for window in (1, 16):
        plain = fan_out_row(1000, 1024, window, contenders, key="-plain", label=", plain",
                            more=(("payload", "mixed"),), baseline=None, group=f"window-{window}")
        rows += [plain, fan_out_row(1000, 1024, window, contenders, key="-deflate",
                                    label=", deflate",
                                    more=(("payload", "mixed"), ("deflate", None)),
                                    baseline=Baseline(row=plain.key), group=plain.group)]
    return Table(
        "deflate", "Compression: one message to many",
        "permessage-deflate without context takeover, level 1, beside the same server without: "
        "text of words and random letters of which about half is left. A message is compressed "
        "once, so what a delivery costs is what the kernel does with half of the bytes. The ratio "
        "is that to the plain row of the same server.",
        (CPU_DELIVERY, LAST_P50), tuple(rows))


def tls():
    contenders = (ours(tls=True), floor("fan-out", tls=True), ws("fan-out", tls=True))
    return Table(
        "tls", "Fan-out over TLS",
        "TLS 1.3, AES-128-GCM, a certificate of P-256. The floor is OpenSSL alone.",
        (CPU_DELIVERY, LAST_P50),
        (fan_out_row(1000, 128, 1, contenders), fan_out_row(1000, 1024, 16, contenders)))


def echo_contenders(**settings):
    peers = (ws("echo", **settings), *(() if settings else (beast("echo"),)))
    return (ours(echo=True, **settings), floor("echo", **settings), *peers)


def echo_row(payload_bytes, depth, contenders, **options):
    return Row(key=f"{payload_bytes}d{depth}", label=f"{size_of(payload_bytes)}, depth {depth}",
               scenario="echo", contenders=contenders, baseline=TO_FLOOR, seconds=0.8,
               peer_rounds_max=FEW_ROUNDS,
               load=(("connections", 50), ("payload-bytes", payload_bytes), ("depth", depth)),
               **options)


def echo():
    contenders = echo_contenders()
    return Table(
        "echo", "Echo: 50 connections",
        "Depth D: D messages of each connection are under way. Binary messages.",
        (CPU_MESSAGE, ROUND_TRIP, MESSAGES),
        tuple(echo_row(payload_bytes, depth, contenders)
              for payload_bytes in (20, 1024, 16384, 65536) for depth in (1, 4, 16)))


def echo_tls():
    return Table(
        "echo-tls", "Echo over TLS: 50 connections",
        "As above, over TLS 1.3; the floor is OpenSSL alone.",
        (CPU_MESSAGE, ROUND_TRIP),
        tuple(echo_row(1024, depth, echo_contenders(tls=True)) for depth in (1, 16)))


def text_echo():
    contenders = (ours(echo=True), ws("echo"))
    load = (("connections", 50), ("payload-bytes", 65536), ("depth", 1), ("payload", "non-ascii"))
    binary = Row("binary", "64 KiB, binary", "echo", contenders, load, group="text")
    text = Row("text", "64 KiB, text", "echo", contenders, (*load, ("text", None)),
               baseline=Baseline(row="binary"), group="text")
    return Table(
        "text-echo", "Echo of text: what UTF-8 validation costs",
        "The same bytes, none of them ASCII, as binary and as text. The ratio is that to the "
        "binary row of the same server.",
        (CPU_MESSAGE,), (binary, text))


def idle():
    def row(key, label, contenders, load=()):
        return Row(key, label, "idle", contenders,
                   (("connections", 15000), *load), rounds_max=2, peer_rounds_max=1,
                   seconds=0.2, warm_up=1,
                   has_new_server_each_round=True)

    deflated = (("deflate", None),)
    return Table(
        "idle", "Memory of an idle connection",
        "Growth of the server's private memory for each of 15,000 connections that have subscribed "
        "to one topic and are silent. The first tenth of them is not counted, nor is what the "
        "kernel keeps for a socket. The floor is a ruler of time and not of memory; over TLS it "
        "says what an object of OpenSSL takes.",
        (Metric("bytes_per_connection_after_first_tenth", "memory of a connection", "bytes", digits=0),),
        (row("plain", "plain", (ours("wspush.v1"), NCHAN, ws("fan-out"), beast("fan-out"), NATS,
                                MOSQUITTO)),
         row("deflate", "permessage-deflate", (ours("wspush.v1"), ws("fan-out", "raw", deflate=True)),
             deflated),
         row("tls", "TLS", (ours("wspush.v1", tls=True), floor("fan-out", tls=True),
                            ws("fan-out", tls=True)))))


def handshakes():
    def row(key, label, contenders, load=()):
        return Row(key, label, "handshakes", contenders, (("connections", 50), *load), TO_FLOOR)

    over_tls = (ours(tls=True), floor("echo", tls=True), ws("fan-out", tls=True))

    return Table(
        "handshakes", "Handshakes",
        "Connect, upgrade, close, 50 at a time. The load program is the slower half: compare the "
        "CPU. The floor answers and waits for the client's end, as who keeps clients has to. A "
        "resumed session is one of TLS 1.3 with a new key exchange: it spares the signature and "
        "the certificate.",
        (Metric("cpu_us_per_handshake", "CPU of a handshake", "µs", digits=1),
         Metric("handshakes_per_second", "handshakes", "1,000/s", digits=1, factor=1e-3,
                is_less_better=False, is_pace=True)),
        (row("plain", "plain", (ours(), floor("echo"), NCHAN, ws("fan-out"),
                                beast("fan-out"), NATS, MOSQUITTO)),
         row("tls", "TLS", over_tls),
         row("tls-resumed", "TLS, sessions resumed", over_tls, (("resume", None),))))


def stalled():
    contenders = (ours(), floor("fan-out"), NCHAN, ws("fan-out"))

    def row(key, label, count, baseline):
        return Row(key, label, "stalled", contenders,
                   (("connections", 50), ("stalled", count), ("payload-bytes", 8192),
                    ("rate", 800)),
                   baseline, seconds=1.5, group="stalled", has_new_server_each_round=True)

    return Table(
        "stalled", "Slow consumers: 50 subscribers that read, 200 that do not",
        "8 KiB, 800 messages a second, so 40,000 deliveries a second are offered to those who read. "
        "The ratio is that to the same server without the stalled ones. The floor keeps nothing "
        "for whoever is full.",
        (Metric("healthy_deliveries_per_second", "deliveries to those who read", "1,000/s",
                digits=1, factor=1e-3, is_less_better=False),
         LAST_P50,
         Metric("memory_growth_bytes", "growth of the process", "MiB", digits=1,
                factor=1 / (1 << 20))),
        (row("without", "without the stalled", 0, None),
         row("with", "with 200 stalled", 200, Baseline(row="without"))))


def pings():
    return Table(
        "pings", "Pings",
        "10,000 silent connections, each pinged once a second and answering.",
        (Metric("cpu_us_per_ping", "CPU of a ping and its pong", "µs"),),
        (Row("pings", "ping and pong", "pings",
             (ours(ping_interval="1s"), floor("ping")), (("connections", 10000),), TO_FLOOR,
             seconds=2),))


def publish():
    def by(way, depth):
        return (("publish", way), ("depth", depth))

    def nchan(name, load):  # posted to like us, so subscribed to like us: see nchan.conf
        return Contender(f"nchan, {name}", NCHAN.server, "raw", load, is_peer=True)

    def posted(**settings):
        return (ours(load=by("http", 1), name="keep-alive", **settings),
                ours(load=by("http-pipelined", 16), name="pipelined", **settings),
                ours(load=by("ndjson", 16), name="NDJSON", **settings))

    def row(key, label, count, contenders, baseline):
        return Row(key, label, "publish", contenders,
                   (("connections", count), ("payload-bytes", 128), ("publishers", 4)), baseline,
                   group="publish" if count == 0 else "")

    def bare(name, load):
        return Contender(f"floor, {name}", Server.of("floor", mode="http"), "raw", load)

    floors = (bare("keep-alive", by("http", 1)), bare("pipelined", by("http-pipelined", 16)))
    peers = (nchan("keep-alive", by("http", 1)), nchan("pipelined", by("http-pipelined", 16)),
             Contender("NATS, websocket", NATS.server, "nats", by("connection", 16),
                       is_peer=True))
    to_keep_alive = Baseline(contender="keep-alive")
    return Table(
        "publish", "Publishing by HTTP",
        "128 B by four publishers: POST with keep-alive, one at a time; the same pipelined, 16 under "
        "way; NDJSON, a message a line in one body that does not end; in NATS and with 16 under "
        "way its own protocol in a websocket. The floor reads a request and gives a fixed answer: it "
        "is what HTTP costs the kernel. The ratio is that to keep-alive, with two reactors "
        "that to one: each publisher is then at the reactor that orders the topic's messages, or "
        "at the other, as it happens. With subscribers the publishers wait when these are 256 "
        "messages behind: the load program reads for all of them.",
        (Metric("cpu_us_per_publish", "CPU of a message", "µs"),
         Metric("publishes_per_second", "messages", "1,000/s", digits=0, factor=1e-3,
                is_less_better=False, is_pace=True)),
        (row("0subscribers", "0 subscribers", 0, (*posted(), *floors, *peers), to_keep_alive),
         row("2reactors", "0 subscribers, 2 reactors", 0, posted(reactors=2),
             Baseline(row="0subscribers")),
         row("100subscribers", "100 subscribers", 100, (*posted(), *peers), to_keep_alive)))


def publish_websocket():
    def by(way, dialect, name):
        return ours(dialect, (("publish", way), ("depth", 16)), name=name)

    def row(count):
        return Row(f"{count}subscribers", f"{count} subscribers", "publish", contenders,
                   (("connections", count), ("payload-bytes", 128), ("publishers", 4)),
                   Baseline(contender="NATS"))

    under_way = (("publish", "connection"), ("depth", 16))
    contenders = (
        by("unanswered", "wspush.v1", "wspush.v1, without id"),
        by("connection", "wspush.v1", "wspush.v1, with id"),
        by("connection", "raw", "raw door"),
        Contender("NATS", NATS.server, "nats", under_way, is_peer=True),
        Contender("nchan", NCHAN.server, "nchan", under_way, is_peer=True))
    return Table(
        "publish-websocket", "Publishing by websocket",
        "128 B by four publishers with 16 messages under way on each. Like for like with NATS, "
        "which acknowledges nothing: commands without `id`, and behind what leaves in one write a "
        "ping whose answer says that all before it was taken. With `id` each message has an answer "
        "of its own, which says its id; nchan answers each too. On the raw door there is no publisher "
        "that is not subscribed: each gets what all four publish, so each message is four deliveries "
        "more. The ratio is that to NATS.",
        (Metric("cpu_us_per_publish", "CPU of a message", "µs"),
         Metric("publishes_per_second", "messages", "1,000/s", digits=0, factor=1e-3,
                is_less_better=False, is_pace=True)),
        (row(0), row(100)))


def disk():
    def row(sync, label):
        return Row(sync, label, "disk", (ours(),), (("sync", sync), ("kept", 0)),
                   Baseline(row="memory"), warm_up=4, rounds_max=2, seconds=0, group="disk")

    return Table(
        "disk", "Publishing with history on the disk",
        "`engine.type: disk` with each `sync` beside memory: 200,000 messages of 128 B over 10,000 "
        "topics by two NDJSON streams, acknowledged; then one by one, each when the one before is "
        "answered. The ratio is that to memory. The publishers are a Python program with bodies that "
        "were made before; the disk is whatever `/tmp` is on.",
        (Metric("cpu_seconds", "CPU of a message", "µs", factor=1e6),
         Metric("messages_per_second", "messages", "1,000/s", digits=0, factor=1e-3,
                is_less_better=False),
         Metric("median_seconds", "until one is answered, p50", "µs", digits=0, factor=1e6),
         Metric("p99_seconds", "p99", "µs", digits=0, factor=1e6)),
        (row("memory", "memory"), row("never", "disk, never"), row("1s", "disk, 1s"),
         row("turn", "disk, turn")),
        is_by_metric=True)


def restart():
    mebibyte = 1 / (1 << 20)
    return Table(
        "restart", "Starting again with a full disk",
        "One reactor, `sync: 1s`, messages of 128 B; the server is killed (-9) and started again. "
        "Ready: it says so, and clients connect. The first history is answered for a topic that is "
        "read for the first time; the others are read meanwhile.",
        (Metric("ready_seconds", "ready after", "ms", digits=0, factor=1e3),
         Metric("first_history_seconds", "first history after", "ms", digits=0, factor=1e3),
         Metric("all_topics_seconds", "all topics in memory after", "s"),
         Metric("resident_before", "resident before", "MiB", digits=0, factor=mebibyte),
         Metric("resident_after", "after", "MiB", digits=0, factor=mebibyte),
         Metric("disk_bytes", "on the disk", "MiB", digits=0, factor=mebibyte)),
        tuple(Row(str(kept), f"{kept:,} messages in 10,000 topics", "disk", (ours(),),
                  (("sync", ""), ("kept", kept)), warm_up=8, rounds_max=2, seconds=0)
              for kept in (1_000_000,)),
        is_by_metric=True)


def tables():
    return [make() for make in (fan_out, rate, two_reactors, deflate, tls, echo, echo_tls,
                                text_echo, idle, handshakes, stalled, pings, publish,
                                publish_websocket, disk, restart)]
