"""dmm-mn and the multicast groups of programs, against a home agent that is none of ours
(draft-sarikaya-mext-multicastdmm-04; RFC 3810). The programs are sockets of the test."""

import json
import socket
import struct

import pytest
from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6, MIP6OptUnknown
from scapy.utils import checksum

import mip6
from lab.capture import Capture
from lab.system import run, wait_for
from lab.topology import CN, HOME_AGENT, HOST, VISITED_PREFIX
from test_mobile_node_alone import (agent, away, home_link, node,  # noqa: F401  (fixtures)
                                    wait_state)

MULTICAST_STATE = 200
IS_INCLUDE, IS_EXCLUDE = 1, 2
PORT = 7000
ANY, OTHER, SPECIFIC = "ff1e::5:1", "ff1e::5:2", "ff3e::5:3"
MCAST_JOIN_SOURCE_GROUP, MCAST_LEAVE_SOURCE_GROUP = 46, 47
STRANGER = "2001:db8:c::66"


def index(lab, interface):
    return lab.mn.ip_json("link", "show", "dev", interface)[0]["ifindex"]


class Listener:
    """A program that receives what is sent to groups on an interface of the mobile node."""

    def __init__(self, lab, interface="dmm0"):
        self.index = index(lab, interface)
        self.socket = lab.mn.socket(socket.AF_INET6, socket.SOCK_DGRAM, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("::", PORT))
        self.socket.setblocking(False)

    def _any(self, option, group):
        self.socket.setsockopt(socket.IPPROTO_IPV6, option,
                               mip6.address(group) + struct.pack("=I", self.index))

    def join(self, group):
        self._any(socket.IPV6_JOIN_GROUP, group)

    def leave(self, group):
        self._any(socket.IPV6_LEAVE_GROUP, group)

    def join_source(self, group, source):
        def storage(address):
            return struct.pack("=HHI16sI100x", socket.AF_INET6, 0, 0, mip6.address(address), 0)

        self.socket.setsockopt(socket.IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP,
                               struct.pack("=I4x", self.index) + storage(group) + storage(source))

    def heard(self):
        """What has come since, in the order of arrival."""
        found = []
        while True:
            try:
                found.append(self.socket.recv(2000))
            except BlockingIOError:
                return found

    def wait(self, wanted):
        """Waits for a message; returns those that came before it."""
        found = []

        def came():
            found.extend(self.heard())
            return wanted in found

        wait_for(came, f"{wanted} to be heard")
        return found[:found.index(wanted)]

    def close(self):
        self.socket.close()


@pytest.fixture
def listener(lab, away):  # noqa: F811
    made = Listener(lab)
    yield made
    made.close()


def records(update):
    """What an update says of groups: {group: (type, sources)}; None without the option."""
    bodies = [data for _, kind, data in update.options if kind == MULTICAST_STATE]
    if not bodies:
        return None
    found = {}
    for body in bodies:
        assert body[0] == 143
        count, at = int.from_bytes(body[6:8], "big"), 8
        for _ in range(count):
            kind, aux, sources = body[at], body[at + 1], int.from_bytes(body[at + 2:at + 4], "big")
            texts = [socket.inet_ntop(socket.AF_INET6, body[at + n:at + n + 16])
                     for n in range(4, 20 + 16 * sources, 16)]
            found[texts[0]] = (kind, set(texts[1:]))
            assert aux == 0
            at += 20 + 16 * sources
        assert at == len(body)
    return found


def wait_told(agent, wanted, source=None):  # noqa: F811
    wait_for(lambda: agent.updates and records(agent.updates[-1]) == wanted
             and (not source or agent.updates[-1].source.startswith(source)),
             f"an update that tells {wanted}")
    assert agent.updates[-1].authentic() and agent.updates[-1].checksum_good()


def tunnel(agent, group, payload, source=CN):  # noqa: F811
    inner = bytes(IPv6(src=source, dst=group, hlim=9) / UDP(sport=1, dport=PORT) / payload)
    agent.send(bytes(IPv6(src=HOME_AGENT, dst=agent.care_of, nh=41, plen=len(inner))) + inner)


def groups(node):  # noqa: F811
    return {entry["group"]: entry for entry in node.status()["multicast"]["groups"]}


def refreshed(agent):  # noqa: F811
    """The update that answers a request for one, which comes too soon after another at first."""
    before = len(agent.updates)

    def asked():
        agent.request_refresh()
        return len(agent.updates) > before

    wait_for(asked, "an update that was asked for", pause=0.2)
    return agent.updates[before]


def test_a_group_is_told_and_heard(lab, agent, away, listener):  # noqa: F811
    assert records(agent.updates[0]) is None
    listener.join(ANY)
    wait_told(agent, {ANY: (IS_EXCLUDE, set())})
    wait_state(away, "registered")
    tunnel(agent, OTHER, b"not asked for")
    tunnel(agent, ANY, b"good")
    assert listener.wait(b"good") == []
    assert away.status()["tunnel"]["in_not_home"] == 1
    listener.join(OTHER)
    wait_told(agent, {ANY: (IS_EXCLUDE, set()), OTHER: (IS_EXCLUDE, set())})
    listener.leave(ANY)
    wait_told(agent, {OTHER: (IS_EXCLUDE, set())})
    listener.leave(OTHER)
    wait_told(agent, {})
    wait_state(away, "registered")
    assert records(refreshed(agent)) is None


def test_sources_are_told_and_heard(lab, agent, away, listener):  # noqa: F811
    listener.join_source(SPECIFIC, CN)
    wait_told(agent, {SPECIFIC: (IS_INCLUDE, {CN})})
    tunnel(agent, SPECIFIC, b"of a stranger", STRANGER)
    tunnel(agent, SPECIFIC, b"good")
    assert listener.wait(b"good") == []
    listener.join_source(SPECIFIC, STRANGER)
    wait_told(agent, {SPECIFIC: (IS_INCLUDE, {CN, STRANGER})})
    second = Listener(lab)
    second.join(SPECIFIC)
    wait_told(agent, {SPECIFIC: (IS_EXCLUDE, set())})
    second.close()
    wait_told(agent, {SPECIFIC: (IS_INCLUDE, {CN, STRANGER})})


def test_groups_follow_moves_and_are_the_kernels_at_home(lab, agent, away, listener):  # noqa: F811
    listener.join(ANY)
    wait_told(agent, {ANY: (IS_EXCLUDE, set())})
    lab.plug("b")
    wait_told(agent, {ANY: (IS_EXCLUDE, set())}, VISITED_PREFIX["b"][:-1])
    wait_state(away, "registered")
    tunnel(agent, ANY, b"on b")
    listener.wait(b"on b")
    lab.plug("home")
    wait_state(away, "home")
    assert records(agent.updates[-1]) is None

    def joined():
        on_link = lab.mn.ip_json("-6", "maddr", "show", "dev", "wlan0")[0]["maddr"]
        return ANY in {entry.get("address") for entry in on_link}

    wait_for(joined, "the kernel to join on the home link")
    host = lab.host.socket(socket.AF_INET6, socket.SOCK_DGRAM, 0)
    host.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, struct.pack(
        "=I", lab.host.ip_json("link", "show", "dev", "eth0")[0]["ifindex"]))

    def heard():
        host.sendto(b"at home", (ANY, PORT))
        return b"at home" in listener.heard()

    wait_for(heard, "what a host of the home link sends")
    host.close()
    lab.plug("a")
    wait_told(agent, {ANY: (IS_EXCLUDE, set())}, VISITED_PREFIX["a"][:-1])
    wait_for(lambda: not joined(), "the kernel to leave")


def test_status_says_what_was_accepted(lab, agent, away, listener):  # noqa: F811
    accepted = bytes([143, 0, 0, 0, 0, 0, 0, 1, IS_EXCLUDE, 0, 0, 0]) + mip6.address(ANY)
    listener.join(ANY)
    wait_told(agent, {ANY: (IS_EXCLUDE, set())})
    wait_state(away, "registered")
    assert groups(away)[ANY] == {"group": ANY, "mode": "exclude", "sources": [], "accepted": None}
    agent.script = [{"more": [MIP6OptUnknown(otype=MULTICAST_STATE, odata=accepted)]}]
    listener.join_source(SPECIFIC, CN)
    wait_for(lambda: groups(away).get(SPECIFIC, {}).get("accepted") is False, "the answer")
    assert groups(away)[ANY]["accepted"] is True
    assert groups(away)[SPECIFIC]["sources"] == [CN]
    assert "not-all-accepted" in away.process.output()


def test_more_groups_than_a_message_holds(lab, agent, away, listener):  # noqa: F811
    """What does not fit is counted; the rest is registered, in a packet of no more than 1280."""
    many = [Listener(lab) for _ in range(3)]
    try:
        for n in range(60):
            many[n // 20].join(f"ff1e::6:{n:x}")
        wait_for(lambda: agent.updates and len(records(agent.updates[-1]) or {}) == 40,
                 "an update with as many as fit")
        assert len(agent.updates[-1].octets) <= 1280
        assert away.status()["multicast"]["no_room"] > 0
    finally:
        for one in many:
            one.close()
    wait_told(agent, {})


def report(hops=1, alert=True, damage=0):
    """An MLDv2 report of a node behind the tunnel's interface."""
    body = bytes([143, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0]) + mip6.address(OTHER)
    source, destination = "fe80::99", "ff02::16"
    right = checksum(mip6.address(source) + mip6.address(destination)
                     + len(body).to_bytes(4, "big") + bytes([0, 0, 0, 58]) + body) ^ damage
    option = bytes([5, 2, 0, 0, 1, 0]) if alert else bytes([1, 4, 0, 0, 0, 0])
    return (bytes(IPv6(src=source, dst=destination, hlim=hops, nh=0, plen=len(body) + 8))
            + bytes([58, 0]) + option + body[:2] + right.to_bytes(2, "big") + body[4:])


def test_reports_that_may_be_of_another_link_are_ignored(lab, away):  # noqa: F811
    """RFC 3810, 7.4: without Router Alert, with another hop limit, damaged."""
    raw = lab.mn.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"dmm0")

    def ignored():
        return away.status()["multicast"]["ignored"]

    def send(octets):
        raw.sendto(octets, ("ff02::16", 0, 0, index(lab, "dmm0")))

    for number, bad in enumerate(({"hops": 2}, {"alert": False}, {"damage": 1}), 1):
        send(report(**bad))
        wait_for(lambda n=number: ignored() == n, f"{bad} to be counted")
    assert away.status()["multicast"]["groups"] == []
    send(report())
    wait_for(lambda: OTHER in groups(away), "the good report to count")
    assert ignored() == 3
    raw.close()


def test_tshark_finds_nothing_wrong_with_the_query(lab, agent, node):  # noqa: F811
    capture = Capture(lab.mn, "any", "mld", "ip6 proto 0")
    lab.plug("a")
    node.start()
    wait_for(lambda: node.status()["multicast"]["queries"], "the first query")

    def queries():
        return run("tshark", "-r", capture.path, "-Y", "icmpv6.type == 130 && !_ws.expert "
                   "&& icmpv6.checksum.status == 1 && ipv6.hlim == 1", "-T", "fields",
                   "-e", "ipv6.src", "-e", "ipv6.dst", "-e", "icmpv6.mld.flag.qrv")

    wait_for(lambda: "fe80::1\tff02::1\t2" in queries(), "a query that tshark likes")
    capture.stop()


def test_without_a_number_nothing_is_told(lab, agent, node, tmp_path):  # noqa: F811
    text = node.config.read_text()
    node.config = tmp_path / "mn.cfg"
    node.config.write_text(text.replace("multicast_state_number = 200", "multicast_state_number = 0"))
    lab.plug("a")
    node.start()
    wait_state(node, "registered")
    one = Listener(lab)
    one.join(ANY)
    assert json.loads(json.dumps(node.status()))["multicast"] is None
    assert records(refreshed(agent)) is None
    one.close()
