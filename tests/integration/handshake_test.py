"""The opening handshake: what is let in, and the status and body of every refusal."""

import select

import pytest

from daemon import Daemon
from deadlines import patient
from http_client import HttpConnection, build_request
from websocket_client import WebSocketClient, accept_for, upgrade_headers
from websocket_frames import TEXT, encode_frame

RFC_KEY = "dGhlIHNhbXBsZSBub25jZQ=="


@pytest.fixture(scope="module")
def daemon_changes():
    return {"subprotocols": ["chat", "superchat"],
            "limits": {"header_bytes": "16KiB", "headers": 100}}


def ask(daemon, target="/ws", method="GET", body=None, version="HTTP/1.1", host=True, **changes):
    """The answer to one upgrade request, changed as told. A refusal has to be a proper one."""
    connection = daemon.http()
    connection.send_request(method, target, upgrade_headers(RFC_KEY, **changes), body,
                            version=version,
                            host=connection.host if host is True else host)
    answer = connection.read_response(method)
    if answer.status != 101:
        refused(connection, answer)
    return answer


def refused(connection, answer):
    """A refusal has the one-line JSON body, and a failed upgrade always closes the connection."""
    answer.error()
    connection.expect_end()


def ask_bytes(daemon, data):
    """The answer to raw bytes, which has to be a refusal that ends the connection."""
    connection = daemon.http()
    connection.send(data)
    answer = connection.read_response()
    assert answer.status != 101, answer
    refused(connection, answer)
    return answer


def upgrade_bytes(daemon, target="/ws", extra=b""):
    """An upgrade request as bytes, with `extra` lines before the empty one."""
    head = build_request("GET", target, upgrade_headers(RFC_KEY), host="127.0.0.1")
    return head[:-2] + extra + b"\r\n"


class TestAGoodHandshake:
    def test_gets_101_with_the_accept_value_of_the_rfc(self, daemon):
        answer = ask(daemon)
        assert answer.status == 101
        assert answer.header("Upgrade").lower() == "websocket"
        assert answer.header("Connection").lower() == "upgrade"
        assert answer.header("Sec-WebSocket-Accept") == accept_for(RFC_KEY)

    @pytest.mark.parametrize("changes", [
        {"Upgrade": "WebSocket"}, {"Upgrade": "WEBSOCKET"}, {"Connection": "upgrade"},
        {"Connection": "keep-alive, Upgrade"}, {"Connection": "keep-alive,UPGRADE"},
        {"Connection": ["keep-alive", "Upgrade"]}, {"User_Agent": "x" * 1000},
        {"Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA=="}], ids=str)
    def test_may_spell_its_headers_as_the_rfc_allows(self, daemon, changes):
        assert ask(daemon, **changes).status == 101

    def test_may_spell_header_names_in_any_case(self, daemon):
        for change in (str.upper, str.lower):
            connection = daemon.http()
            lines = [(change(name), value) for name, value in upgrade_headers()]
            assert connection.request("GET", "/ws", lines).status == 101

    @pytest.mark.parametrize("target", ["/ws?", "/ws?unknown=1&other", "/ws?a=%zz&&=", "/echo?x=y"])
    def test_may_have_query_parameters_that_we_do_not_know(self, daemon, target):
        assert ask(daemon, target).status == 101

    def test_may_arrive_byte_by_byte(self, daemon):
        connection = daemon.http()
        connection.stream.send_bytewise(build_request("GET", "/ws", upgrade_headers(),
                                                      host=connection.host))
        assert connection.read_response().status == 101

    def test_may_name_the_target_in_absolute_form(self, daemon):
        host = f"127.0.0.1:{daemon.public[1]}"
        assert ask(daemon, f"http://{host}/ws").status == 101

    def test_gets_no_extension_that_it_did_not_offer_or_that_nobody_knows(self, daemon):
        assert ask(daemon).all("Sec-WebSocket-Extensions") == []
        assert ask(daemon,
                   Sec_WebSocket_Extensions="x-unknown; a=b").all("Sec-WebSocket-Extensions") == []

    def test_with_a_hundred_headers_is_let_in(self, daemon):
        filler = {f"X_{i}": "y" for i in range(100 - 5)}  # Host and the four of the handshake
        assert ask(daemon, **filler).status == 101


class TestSubprotocols:
    @pytest.mark.parametrize("target, offer, chosen", [
        ("/ws", "wspush.v1", "wspush.v1"), ("/ws", "foo, wspush.v1, bar", "wspush.v1"),
        ("/ws", "foo", None), ("/ws", "chat", None), ("/ws", None, None),
        ("/echo", "superchat, chat", "superchat"), ("/echo", "chat, superchat", "chat"),
        ("/echo", "foo,chat", "chat"), ("/echo", "wspush.v1", None), ("/echo", None, None),
        ("/topics/open.x", "nope, superchat", "superchat"), ("/topics/open.x", "nope", None),
        ("/ws", ["foo", "wspush.v1"], "wspush.v1"),
        ("/echo", ["foo, superchat", "chat"], "superchat")])
    def test_the_first_of_the_client_that_the_endpoint_supports_is_chosen(
            self, daemon, target, offer, chosen):
        answer = ask(daemon, target, Sec_WebSocket_Protocol=offer)
        assert answer.status == 101
        assert answer.header("Sec-WebSocket-Protocol") == chosen


class TestMalformedUpgrades:
    @pytest.mark.parametrize("key", [
        None, "", "x", "AAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAA!A==",
        "AAAAAAAAAAAAAAAAAAAAAA==x", "AAAA AAAAAAAAAAAAAAAAAA==", [RFC_KEY, RFC_KEY]], ids=str)
    def test_a_key_that_is_not_base64_of_16_bytes_is_400(self, daemon, key):
        assert ask(daemon, Sec_WebSocket_Key=key).status == 400

    @pytest.mark.parametrize("version", ["0", "7", "8", "12", "14", "25", "130", "255"])
    def test_another_version_is_426_and_told_ours(self, daemon, version):
        answer = ask(daemon, Sec_WebSocket_Version=version)
        assert answer.status == 426
        assert answer.header("Sec-WebSocket-Version") == "13"

    @pytest.mark.parametrize("version", [None, "", "x", "013", "13, 8", "-13", ["13", "13"]],
                             ids=str)
    def test_a_version_that_is_none_is_refused(self, daemon, version):
        assert ask(daemon, Sec_WebSocket_Version=version).status in (400, 426)

    @pytest.mark.parametrize("changes", [
        {"Upgrade": None}, {"Upgrade": "h2c"}, {"Upgrade": "websockets"}, {"Connection": None},
        {"Connection": "keep-alive"}, {"Connection": "upgraded"}, {"Upgrade": ""}], ids=str)
    def test_half_an_upgrade_is_refused(self, daemon, changes):
        assert ask(daemon, **changes).status in (400, 426)

    def test_the_door_without_an_upgrade_is_426(self, daemon):
        connection = daemon.http()
        answer = connection.request("GET", "/ws")
        assert answer.status == 426
        assert answer.header("Sec-WebSocket-Version") == "13"
        answer.error()

    def test_http_1_0_is_refused(self, daemon):
        assert ask(daemon, version="HTTP/1.0").status in (400, 426, 505)

    @pytest.mark.parametrize("version",
                             ["HTTP/1.2x", "HTTP/11", "http/1.1", "HTCPCP/1.0", "HTTP/1.1 "])
    def test_a_version_of_http_that_is_none_is_refused(self, daemon, version):
        assert ask(daemon, version=version).status in (400, 505)

    def test_no_host_two_hosts_and_a_broken_one_are_400(self, daemon):
        assert ask(daemon, host=None).status == 400
        assert ask(daemon, Host=["a", "b"], host=None).status == 400
        assert ask(daemon, host="a b").status == 400

    def test_a_body_is_400(self, daemon):
        assert ask(daemon, body=b"hello").status == 400
        assert ask(daemon, Transfer_Encoding="chunked", body=b"0\r\n\r\n").status == 400

    def test_bytes_before_the_101_are_400(self, daemon):
        frame = encode_frame(TEXT, b'{"op":"ping","id":1}')
        assert ask_bytes(daemon, upgrade_bytes(daemon) + frame).status == 400


class TestARelaxedHandshake:
    """What layer-7 proxies do to the headers is let in, and nothing else."""

    SPOILED = [{"Connection": None}, {"Connection": "close"}, {"Connection": "keep-alive"},
               {"Upgrade": None}, {"Upgrade": "WebSocket/13"}, {"Upgrade": "h2c"}, {"Upgrade": ""},
               {"Upgrade": None, "Connection": None}, {"version": "HTTP/1.0"},
               {"version": "HTTP/1.0", "Upgrade": None, "Connection": "close"},
               {"version": "HTTP/1.0", "Upgrade": None, "Connection": None, "host": None}]

    @pytest.fixture(scope="class")
    def relaxed(self):
        with Daemon({"handshake": {"relaxed": True}}) as running:
            yield running

    @pytest.mark.parametrize("changes", SPOILED, ids=str)
    @pytest.mark.parametrize("target", ["/ws", "/echo", "/topics/open.x"])
    def test_takes_headers_that_a_proxy_has_spoiled(self, relaxed, changes, target):
        answer = ask(relaxed, target, **changes)
        assert answer.status == 101
        assert answer.header("Upgrade") == "websocket"
        assert answer.header("Connection") == "Upgrade"
        assert answer.header("Sec-WebSocket-Accept") == accept_for(RFC_KEY)

    @pytest.mark.parametrize("changes", SPOILED, ids=str)
    def test_is_off_by_default(self, daemon, changes):
        assert ask(daemon, **changes).status in (400, 426)

    @pytest.mark.parametrize("changes, status", [
        ({"Sec_WebSocket_Key": None}, 400), ({"Sec_WebSocket_Key": "x"}, 400),
        ({"Sec_WebSocket_Key": [RFC_KEY, RFC_KEY]}, 400), ({"Sec_WebSocket_Version": None}, 400),
        ({"Sec_WebSocket_Version": "8"}, 426), ({"Sec_WebSocket_Key": None, "Upgrade": None}, 426),
        ({"Sec_WebSocket_Version": None, "Upgrade": None}, 426), ({"method": "POST"}, 405),
        ({"body": b"hello"}, 400), ({"Transfer_Encoding": "chunked", "body": b"0\r\n\r\n"}, 400),
        ({"Origin": "http://elsewhere.example"}, 403), ({"host": None}, 400),
        ({"Sec_WebSocket_Protocol": "a,,a"}, 400), ({"version": "HTTP/1.2"}, 505)], ids=str)
    def test_still_wants_everything_else(self, relaxed, changes, status):
        assert ask(relaxed, **changes).status == status

    def test_still_takes_no_bytes_before_the_101(self, relaxed):
        assert ask_bytes(relaxed, upgrade_bytes(relaxed) + b"\x81\x80abcd").status == 400


class TestTheRequestLine:
    @pytest.mark.parametrize("target",
                             ["/nope", "/wsx", "/ws/", "/ws/x", "/WS", "/echo/", "/topicsx/a"])
    def test_an_unknown_path_is_404(self, daemon, target):
        assert ask(daemon, target).status == 404

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
    def test_another_method_is_405_with_allow(self, daemon, method):
        answer = ask(daemon, method=method)
        assert answer.status == 405
        assert "GET" in answer.header("Allow")

    def test_echo_and_demo_are_404_unless_they_are_configured(self, start):
        own = start({"echo": False})
        assert ask(own, "/echo").status == 404
        assert own.http().request("GET", "/").status == 404

    def test_a_request_line_above_8_kib_is_414(self, daemon):
        assert ask(daemon, "/ws?" + "x" * 9000).status == 414

    def test_an_endless_request_line_is_414_before_it_ends(self, daemon):
        assert ask_bytes(daemon, b"GET /" + b"x" * 8300).status == 414

    @pytest.mark.parametrize("line", [
        b"GET\r\n", b"GET /ws\r\n", b"/ws HTTP/1.1\r\n", b"GET  /ws HTTP/1.1\r\n",
        b"G\x00T /ws HTTP/1.1\r\n",
        b"GET /w s HTTP/1.1\r\n", b"GET ws HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00\x01\x00\r\n",
        b"GET /ws\x7f HTTP/1.1\r\n"])
    def test_a_malformed_one_is_400(self, daemon, line):
        assert ask_bytes(daemon, line + upgrade_bytes(daemon).split(b"\r\n", 1)[1]).status in (400,
                                                                                               505)


class TestHeaders:
    @pytest.mark.parametrize("lines", [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n", b"Content-Length: 5, 6\r\n",
        b"Content-Length: x\r\n", b"Content-Length: -1\r\n", b"Content-Length: +1\r\n",
        b"Content-Length: 99999999999999999999\r\n", b"Transfer-Encoding: gzip\r\n",
        b"Transfer-Encoding: chunked, chunked\r\n", b"X-Space : 1\r\n", b"X\tTab: 1\r\n",
        b"X: folded\r\n here\r\n", b" X: leading\r\n", b"X: bare\rcr\r\n", b"X: bare\nlf: 1\r\n",
        b"X: nul\0\r\n", b"no colon\r\n", b": no name\r\n", b"X\x01: ctl\r\n"], ids=repr)
    def test_forms_that_smuggle_or_break_are_400(self, daemon, lines):
        assert ask_bytes(daemon, upgrade_bytes(daemon, extra=lines)).status in (
            {b"Transfer-Encoding: gzip\r\n": (400, 501),
             b"Content-Length: 99999999999999999999\r\n": (400, 413)}.get(lines, (400,)))

    def test_bare_line_feeds_are_400(self, daemon):
        assert ask_bytes(daemon, upgrade_bytes(daemon).replace(b"\r\n", b"\n")).status == 400

    def test_101_of_them_are_431(self, daemon):
        filler = {f"X_{i}": "y" for i in range(101 - 5)}
        assert ask(daemon, **filler).status == 431

    def test_a_head_above_its_limit_is_431(self, daemon):
        assert ask(daemon, X="y" * 17000).status == 431

    def test_an_endless_head_is_431_before_it_ends(self, daemon):
        data = upgrade_bytes(daemon)[:-2] + b"X: " + b"y" * 17000
        assert ask_bytes(daemon, data).status == 431

    def test_a_header_with_ten_thousand_commas_costs_nothing_worth_mention(self, daemon):
        assert ask(daemon, Sec_WebSocket_Extensions="," * 10000).status in (101, 400)
        assert ask(daemon, Sec_WebSocket_Protocol="a," * 5000 + "a").status in (101, 400)
        assert ask(daemon, Connection=" " * 5000 + "Upgrade").status == 101


class TestTheTimeout:
    @pytest.fixture(scope="class")
    def impatient(self):
        with Daemon({"handshake": {"timeout": patient(0.5)}}) as running:
            yield running

    def test_half_a_head_gets_408(self, impatient):
        connection = impatient.http()
        connection.send(b"GET /ws HTTP/1.1\r\n")
        answer = connection.read_response()
        assert answer.status == 408
        refused(connection, answer)

    def test_a_silent_client_is_closed_without_a_word(self, impatient):
        impatient.stream().expect_end()

    def test_a_trickle_of_bytes_does_not_extend_it(self, impatient):
        connection = impatient.http()
        for byte in b"GET /ws HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 10000:
            if select.select([connection.stream.sock], [], [], 0.02)[0]:
                break
            connection.send(bytes([byte]))
        answer = connection.read_response()
        assert answer.status == 408
        refused(connection, answer)

    def test_an_open_websocket_is_not_meant_by_it(self, impatient):
        client = impatient.v1()
        slow = impatient.http()
        slow.send(b"GET ")
        assert slow.read_response().status == 408  # the timeout has passed by now
        assert client.ok("ping")

    def test_two_hundred_half_open_ones_hold_up_nobody(self, impatient):
        for _ in range(200):
            impatient.stream().send(b"GET /ws HTTP/1.1\r\nHost: x\r\n")
        assert impatient.v1().ok("ping")


class TestPathsFromTheConfig:
    def test_ws_paths_and_path_prefix_move_every_door(self, start):
        own = start({"path_prefix": "/push", "ws_paths": ["/ws", "/socket"]})
        for target in ("/push/ws", "/push/socket", "/push/echo", "/push/topics/open.x"):
            assert ask(own, target).status == 101, target
        for target in ("/ws", "/socket", "/echo", "/topics/open.x", "/pushws", "/push"):
            assert ask(own, target).status == 404, target

    def test_ws_paths_replace_the_default(self, start):
        own = start({"ws_paths": ["/a", "/b/c"]})
        assert [ask(own, target).status for target in ("/a", "/b/c", "/ws")] == [101, 101, 404]


class TestRawTopicsInThePath:
    @pytest.mark.parametrize("path",
                             ["open.x", "open.caf%C3%A9", "open%2Ex", "open.%E2%82%AC",
                              "open.a-b_c!$&'()+,;=:@~"])
    def test_a_topic_is_percent_encoded_utf8(self, daemon, path):
        assert ask(daemon, "/topics/" + path).status == 101

    @pytest.mark.parametrize("path", [
        "open..x", ".open", "open.", "open%20x", "open.%2A", "open.*", "open.%3E", "open%2Fx",
        "open%3Fx", "open%23x",
        "open%00x", "open%0Ax", "open%7Fx", "open%C2%85x", "open%FF", "open%C3", "open%ED%A0%80",
        "a" * 256])
    def test_a_bad_topic_is_400(self, daemon, path):
        answer = ask(daemon, "/topics/" + path)
        assert answer.status == 400
        assert answer.error()["code"] == "bad_topic"

    @pytest.mark.parametrize("path", ["open%zz", "open%", "open%4"])
    def test_a_bad_percent_encoding_is_400(self, daemon, path):
        assert ask(daemon, "/topics/" + path).status == 400

    def test_255_bytes_are_a_topic(self, daemon):
        assert ask(daemon, "/topics/" + "open." + "a" * 250).status == 101

    @pytest.mark.parametrize("path", ["nowhere", "closed.x", "dropbox.x"])
    def test_a_topic_that_the_rules_do_not_admit_is_403(self, daemon, path):
        answer = ask(daemon, "/topics/" + path)
        assert answer.status == 403
        assert answer.error()["code"] == "forbidden"

    @pytest.mark.parametrize("after",
                             ["x", "1-2", "0000000g-1", "00000000-", "00000000-x", "00000000--1",
                              "-1"])
    def test_an_after_that_is_no_id_is_400(self, daemon, after):
        assert ask(daemon, f"/topics/open.x?after={after}").status == 400


def test_a_connection_that_ends_inside_the_head_is_forgotten(daemon):
    for _ in range(50):
        stream = daemon.stream()
        stream.send(b"GET /ws HT")
        stream.close()
    assert WebSocketClient.connect(daemon.public, "/ws").response.status == 101


def test_a_head_that_is_cut_short_by_the_end_is_answered(daemon):
    connection = daemon.http()
    connection.send(b"GET /ws HTTP/1.1\r\nHost: x\r\n")
    connection.stream.finish_writing()
    answer = connection.read_response()
    assert answer.status == 400
    refused(connection, answer)


def test_where_every_client_must_have_a_token_the_doors_of_one_topic_are_401(start):
    own = start({"auth": {"required": True}})
    for target in ("/echo", "/topics/open.x"):
        answer = ask(own, target)
        assert answer.status == 401 and answer.error()["code"] == "unauthenticated"


def test_a_unix_socket_and_a_second_listener_serve_too(start, tmp_path):
    path = str(tmp_path / "push.sock")
    own = start({"listen": [{"address": f"unix:{path}"}, {"address": "127.0.0.1:0"}]})
    assert len(own.publics) == 2
    with HttpConnection(path) as connection:
        assert connection.request("GET", "/ws", upgrade_headers()).status == 101
    tcp = next(address for address in own.publics if not isinstance(address, str))
    with HttpConnection(tcp) as connection:
        assert connection.request("GET", "/ws", upgrade_headers()).status == 101
