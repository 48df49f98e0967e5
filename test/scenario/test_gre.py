"""Tunnels in GRE with keys of both sides (RFC 5845): an anchor, and gateways that the tests play."""

import socket

import pytest
from scapy.layers.inet import GRE, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

import pmip6
from lab.proxy import ANCHOR
from lab.system import wait_for
from lab.topology import CN
from pmip6 import PlayedGateway
from proxy_rig import anchor, ear, lab  # noqa: F401

HUGEPAGES = 64
GRE_KEY, MULTIPATH, MAG_ID = 33, 63, 64


@pytest.fixture(scope="module")
def gateways(lab, anchor):
    played = [PlayedGateway(lab, link) for link in "12"]
    yield played
    for gateway in played:
        gateway.close()


def option(key=None):
    return [(GRE_KEY, bytes(2) + (b"" if key is None else key.to_bytes(4, "big")))]


def dropped(anchor, reason):
    return anchor.control.drops()[reason]


def down(lab, gateway, address, payload):
    """A packet of the correspondent as the gateway gets it: what is behind the outer header."""
    since = gateway.ear.mark()

    def came():
        with lab.cn.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW) as sender:
            sender.sendto(bytes(IPv6(src=CN, dst=address) / UDP(sport=7, dport=9) / Raw(payload)), (address, 0))
        return gateway.ear.heard(lambda heard: heard[6] in (41, 47) and heard.endswith(payload), since)

    # The first packets may be lost while neighbours are resolved.
    outer = wait_for(came, "a tunnelled packet", 60, 0.5)[0]
    assert IPv6(outer).src == ANCHOR
    return outer


def header(outer, address):
    """The GRE header, read by scapy, in front of a packet for this address."""
    assert outer[6] == 47
    found = GRE(outer[40:])
    assert (found.proto, found.chksum_present, found.seqnum_present) == (0x86dd, 0, 0)
    assert found.payload.dst == address
    return found


def inner(address, payload):
    return IPv6(src=address, dst=CN) / UDP(sport=9, dport=7) / Raw(payload)


def up(gateway, address, payload, **fields):
    """A packet of the mobile node in GRE."""
    gateway.send(IPv6(src=gateway.care_of, dst=ANCHOR, nh=47, hlim=64) / GRE(proto=0x86dd, **fields) /
                 inner(address, payload))


def test_keys(lab, anchor, gateways, ear):
    """They are exchanged, packets have them, and none is taken that has not."""
    first, second = gateways
    answer = first.register("keys@example.net", extra=option(0xfeed0001))
    address = answer.prefixes[0].replace("::/64", "::1")
    uplink = int.from_bytes(answer.options[GRE_KEY][2:], "big")
    session, = anchor.sessions("--mn-id", "keys@example.net")
    assert (session["encapsulation"], session["uplink_key"], session["downlink_key"]) == \
        ("gre", uplink, 0xfeed0001)
    found = header(down(lab, first, address, b"down"), address)
    assert (found.key_present, found.key) == (1, 0xfeed0001)

    def arrives():
        up(first, address, b"right", key_present=1, key=uplink)
        return ear.heard(lambda heard: heard.endswith(b"right"), since)

    since, before = ear.mark(), dropped(anchor, "gre_key")
    wait_for(arrives, "the packet of the node", 60, 0.5)
    up(first, address, b"without", key_present=0)
    up(first, address, b"another", key_present=1, key=uplink + 1)
    wait_for(lambda: dropped(anchor, "gre_key") == before + 2, "both to be dropped")
    before = dropped(anchor, "tunnel_kind")
    first.send_inner(inner(address, b"plain"))
    wait_for(lambda: dropped(anchor, "tunnel_kind") == before + 1, "the packet to be dropped")
    assert not ear.heard(lambda heard: heard.endswith((b"without", b"another", b"plain")), since)

    # The uplink key stays, wherever the node goes; each gateway has its own.
    moved = second.register("keys@example.net", handoff=pmip6.OTHER_GATEWAY, extra=option(7))
    assert moved.options[GRE_KEY] == answer.options[GRE_KEY]
    assert header(down(lab, second, address, b"moved"), address).key == 7


def test_without_keys_and_without_gre(lab, anchor, gateways):
    gateway = gateways[0]
    answer = gateway.register("plain@example.net", extra=option())
    address = answer.prefixes[0].replace("::/64", "::1")
    assert answer.options[GRE_KEY] == bytes(2)
    assert header(down(lab, gateway, address, b"no key"), address).key_present == 0
    answer = gateway.register("plain@example.net", handoff=pmip6.NOT_CHANGED)
    assert GRE_KEY not in answer.kinds
    assert down(lab, gateway, address, b"no GRE")[6] == 41
    assert anchor.sessions("--mn-id", "plain@example.net")[0]["encapsulation"] == "ip6-in-ip6"


def test_a_path_is_shown_as_it_is(anchor, gateways):
    """path show tells in what the packets of a gateway with several bindings (RFC 8278) go."""
    gateway = gateways[0]
    several = [(MULTIPATH, bytes([pmip6.WLAN, 9, 1, 0, 0, 0])), (MAG_ID, b"\1\0mag1@example.net")]

    def kind(handoff, extra):
        gateway.register("several@example.net", handoff=handoff, extra=several + extra)
        return [path["kind"] for path in anchor.control.ask("path", "show")["paths"]]

    assert kind(pmip6.NEW_INTERFACE, option(9)) == ["gre"]
    assert kind(pmip6.NOT_CHANGED, []) == ["ip6-in-ip6"]


def test_malformed(anchor, gateways):
    """What is no GRE, or carries something else, is counted as that."""
    gateway = gateways[0]
    for reason, octets in (("gre_header", b"\x20\x01\x86\xdd" + bytes(60)), ("gre_header", b"\x20"),
                           ("gre_protocol", b"\x20\0\x08\0" + bytes(60))):
        before = dropped(anchor, reason)
        gateway.send(IPv6(src=gateway.care_of, dst=ANCHOR, nh=47, hlim=64) / Raw(octets))
        wait_for(lambda: dropped(anchor, reason) == before + 1, "the packet to be dropped")
