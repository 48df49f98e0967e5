"""What nobody should send, and more than there is room for: counted, answered as it should be, and of
no consequence for others."""

import json

import pytest
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6

from lab import programs
from lab.system import wait_for
from lab.topology import CN, HOME_AGENT
from peer import inner_of
from rig import stop

ROOM = 4       # subscribers in the tables of the data plane
MAGIC = b"DM"  # of every message of the channels

KNOCK = """
import json, sys, zmq
endpoint, name, messages = json.load(sys.stdin)
# Leaving the context waits until all is sent; the end of the program alone does not.
with zmq.Context() as context:
    context.linger = 60000
    with context.socket(zmq.DEALER) as sock:
        sock.routing_id = name.encode()
        sock.connect(endpoint)
        for message in messages:
            sock.send_multipart([bytes.fromhex(part) for part in message])
        replies = []
        while len(replies) < int(sys.argv[1]) and sock.poll(60000):
            replies.append(sock.recv().decode())
print(json.dumps(replies))
"""


@pytest.fixture(scope="module")
def gateway(lab, build):
    """One with little room."""
    started = programs.Gateway(lab, build)
    started.control.reconfigure(("dad_transmits = 1;", "dad_transmits = 0;"))
    text = started.data_plane.config.read_text()
    assert text.count("subscribers = 65536;") == 1
    started.data_plane.config = started.node.directory / "dp.cfg"
    started.data_plane.config.write_text(text.replace("subscribers = 65536;", f"subscribers = {ROOM}; grow = false;"))
    started.start()
    yield started
    stop(started)


def knock(lab, endpoint, *messages, replies=0, name="stranger"):
    """Sends messages, lists of parts, to an endpoint of control; returns the replies."""
    wish = [f"ipc:///run/dmm/{endpoint}", name,
            [[part.hex() for part in (m if isinstance(m, list) else [m])] for m in messages]]
    return json.loads(lab.gw.run("/usr/bin/python3", "-c", KNOCK, str(replies), stdin=json.dumps(wish)))


def test_messages_that_are_none(lab, gateway, control, peer, subscriber, counted):
    """On both channels: truncated, of no type, with parts too many."""
    wrong = [b"", b"D", b"garbage", MAGIC + b"\1", MAGIC + bytes(18), bytes(70000), [b"a"] * 3]
    knock(lab, "update", *wrong)
    knock(lab, "packet", *wrong)
    wait_for(lambda: counted("publish_bad_message") + counted("publish_refused_version")
             + counted("publish_refused_name") >= len(wrong), "those on the update channel to be counted")
    wait_for(lambda: counted("packet_unknown_peer") == len(wrong), "those on the other to be counted")
    peer.attach("a")
    peer.register(subscriber())
    assert gateway.synchronised()


def test_requests_that_are_none(lab, gateway, control):
    wrong = [b"", b"{", b"[]", b'"status"', b'{"method": 7}', b'{"method": "status", "more": 1}',
             b'{"method": "no-such"}', b"\xff" * 1000, b"[" * 100000]
    said = [json.loads(reply) for reply in knock(lab, "ctrl.api", *wrong, replies=len(wrong))]
    assert [set(reply) for reply in said] == [{"error"}] * len(wrong)
    assert {reply["error"]["code"] for reply in said} == {"bad-request", "unknown-method"}
    assert control.ask("status")["pid"] == control.process.pid


def test_tunnels_in_tunnels(peer, subscriber, counted):
    """A packet that would go round in the gateway, and one from an address of the gateway."""
    node = subscriber()
    home = node["home_addresses"][0]
    peer.attach("a")
    peer.register(node)
    outer = IPv6(src=peer.care_of, dst=HOME_AGENT)
    peer.send(outer / IPv6(src=home, dst=HOME_AGENT) / IPv6(src=home, dst=CN) / ICMPv6EchoRequest())
    wait_for(lambda: counted("tunnel_nested") == 1, "the tunnel in a tunnel to be dropped")
    peer.send(outer / IPv6(src=HOME_AGENT, dst=peer.care_of) / ICMPv6EchoRequest())
    wait_for(lambda: counted("unknown_source") == 1, "the packet of no subscriber to be dropped")


def fill(peer, subscriber):
    """Registers nodes until one is refused; returns those that are bound, and the refused one."""
    bound = []
    while len(bound) < 10 * ROOM:
        node = subscriber()
        status = peer.exchange(peer.update(node)).status
        if status:
            assert status == 130
            return bound, node
        bound.append(node)
    raise AssertionError("there is room for everybody")


@pytest.mark.parametrize("full, counter", [("data plane", "commit_table_full"),
                                           ("control", "resources_bindings")])
def test_no_room(lab, gateway, control, peer, subscriber, request, full, counter):
    """The last one is refused, and gets its place as soon as another leaves. The others are served on."""
    if full == "control":
        control.reconfigure(("max_bindings = 1000000;", f"max_bindings = {ROOM - 1};"))
        control.process.stop()
        control.start()
        wait_for(gateway.synchronised, "the data plane to be synchronised")
    counted = request.getfixturevalue("counted")
    peer.attach("a")
    bound, refused = fill(peer, subscriber)
    assert len(bound) == (ROOM if full == "data plane" else ROOM - 1)
    assert counted(counter) == 1
    assert {b["home_address"] for b in control.bindings()} == {n["home_addresses"][0] for n in bound}
    since = peer.ear.mark()
    home = bound[0]["home_addresses"][0]
    lab.cn.run("ping", "-c", "1", "-W", "1", home, check=False)
    peer.ear.wait(lambda heard: inner_of(heard) and inner_of(heard).dst == home, "a ping", since)
    assert peer.exchange(peer.update(bound[-1], lifetime=0)).status == 0
    peer.register(refused)
