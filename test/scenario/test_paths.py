"""A mobile access gateway with two links to its anchor (RFC 8278), and a host that knows nothing of
it."""

import ipaddress
import json
import socket

import pytest
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6

from lab.node import veth
from lab.proxy import (ANCHOR, DELEGATING, KEY, MN_ID, SECOND_ANCHOR, SECOND_POOL, SPI, global_address,
                       inside)
from lab.proxy_paths import (BID, LABEL, LINK, LTE, WLAN, PathsGateway, PathsLab, make_anchor)
from lab.system import wait_for
from lab.topology import CN
from paths import Cables
from peer import Ear
from pmip6 import PlayedAnchor
from proxy_rig import PATIENT, lab  # noqa: F401
from rig import stop

LAB, HUGEPAGES = PathsLab, 160
BOTH = {BID[LTE], BID[WLAN]}
WEB = 80
OLD_PREFIX = "2001:db8:6000:1::/64"
MULTIPATH, MAG_ID = 63, 64


@pytest.fixture(scope="module")
def anchor(lab, build):
    started = make_anchor(lab, build, PATIENT, ('delete_delay = "10s"', 'delete_delay = "600s"'), *DELEGATING)
    started.start()
    yield started
    stop(started)


@pytest.fixture(scope="module")
def gateway(lab, build, anchor):
    # Nodes that are told no other have the first anchor: see the last test.
    started = PathsGateway(
        lab, build,
        ("anchors = (", f'anchors = ({{ name = "old"; address = "{SECOND_ANCHOR}"; spi = {SPI[LINK]}; '
         'key_file = "/etc/dmm/mag1.key"; },'),
        ('link_address = "02:00:00:00:01:01"; }', 'link_address = "02:00:00:00:01:01"; anchor = "lma"; delegation = true; }'))
    started.start()
    yield started
    stop(started)


@pytest.fixture(scope="module")
def cables(lab, gateway):
    heard = Cables(lab)
    yield heard
    heard.close()


@pytest.fixture(scope="module")
def address(lab, anchor, gateway):
    """The host is attached, by both links; its address."""
    lab.plug("1")
    wait_for(lambda: bids(anchor) == BOTH, "both bindings")
    return wait_for(lambda: global_address(lab.mn), "the host to have an address")


def bids(anchor):
    sessions = anchor.sessions("--mn-id", MN_ID[1])
    return {path["bid"] for session in sessions for path in session["paths"]}


def test_both_paths_are_registered(lab, anchor, gateway, address):
    session, = anchor.sessions("--mn-id", MN_ID[1])
    assert [(path["bid"], path["care_of_address"], path["label"]) for path in session["paths"]] == \
        [(BID[a], a, LABEL[a]) for a in (LTE, WLAN)]
    wait_for(lambda: len(gateway.attachment(1)["paths"]) == 2, "both paths at the gateway")
    assert ipaddress.ip_address(address) in ipaddress.ip_network(session["prefixes"][0])


def test_flows_go_up_by_both(lab, cables, address):
    ports = range(2000, 2040)
    ways = cables.ways_up(address, ports)
    assert set(ways.values()) == {LTE, WLAN}


def test_rules_choose_by_label(lab, cables, address):
    assert cables.ways_up(address, [WEB]) == {WEB: WLAN}


def test_the_host_is_reached_by_both(lab, address):
    """Down by flow, up by flow, each as it may."""
    answered = 0
    for size in range(100, 108):
        wait_for(lambda: " 1 received" in lab.cn.run("ping", "-6", "-c", "1", "-W", "1", "-s", str(size),
                                                    address, check=False), "an answer of the host")
        answered += 1
    assert answered == 8
    received = lab.cn.run("ping", "-6", "-c", "1", "-W", "1", ANCHOR, check=False)
    assert received


def test_a_delegated_prefix_goes_by_both(lab, anchor, gateway, cables, address):
    """RFC 7148: what is from a network behind the node is shared out, and ruled, as its own packets are."""
    network, = gateway.attachment(1)["delegated_prefixes"]
    assert anchor.sessions("--mn-id", MN_ID[1])[0]["delegated_prefixes"] == [network]
    source = inside(network, 1)
    lab.mn.ip(f"address add {source}/128 dev lo")
    assert set(cables.ways_up(source, range(2000, 2040)).values()) == {LTE, WLAN}
    assert cables.ways_up(source, [WEB]) == {WEB: WLAN}
    wait_for(lambda: " 1 received" in lab.cn.run("ping", "-6", "-c", "1", "-W", "1", source, check=False),
             "an answer from the network")


def test_shares_are_changed_live(lab, gateway, cables, address):
    """Only flows that the shares ask for move, no packet is lost. The configuration outlives it: the
    next test starts the gateway anew."""
    ports = range(2000, 2040)

    def by_wlan(weight):
        answer = json.loads(gateway.control.ctl("--json", "path", "weight", str(LABEL[WLAN]), str(weight)))
        assert (answer["label"], answer["weight"]) == (LABEL[WLAN], weight)
        return {port for port, way in cables.ways_up(address, ports).items() if way == WLAN}

    one = by_wlan(1)
    wait_for(lambda: set(ports) > by_wlan(3) > one, "more flows to go by WLAN", 60)
    wait_for(lambda: by_wlan(1) == one, "the flows to return", 60)
    assert cables.ways_up(address, [WEB]) == {WEB: WLAN}
    wait_for(lambda: by_wlan(0) == set(), "all flows to go by the other", 60)


def test_gateway_restarts(lab, anchor, gateway, cables, address):
    gateway.control.process.stop(9)
    gateway.control.start()
    wait_for(gateway.synchronised, "the data plane to be synchronised")
    assert set(cables.ways_up(address, range(3000, 3040)).values()) == {LTE, WLAN}
    wait_for(lambda: gateway.attachment(1)["sequence"] == anchor.sessions("--mn-id", MN_ID[1])[0]
             ["sequence"], "the registration to be extended")
    assert bids(anchor) == BOTH


def test_the_end_is_that_of_both(lab, anchor, gateway, address):
    # What the host said last may attach it anew, once.
    lab.plug(None)

    def ended():
        if gateway.attachment(1):
            gateway.control.ctl("mag", "detach", MN_ID[1], check=False)
        session, = anchor.sessions("--mn-id", MN_ID[1])
        return session["state"] == "ending" and session
    assert wait_for(ended, "the end")["paths"] == []


@pytest.fixture
def old_anchor(lab):
    """Knows nothing of RFC 8278."""
    node = lab.node("old")
    veth(node, "eth0", lab.core, "old")
    node.ip(f"address add {SECOND_ANCHOR}/64 dev eth0 nodad", "route add default via 2001:db8:2::ff")
    lab.core.ip("address add 2001:db8:2::ff/64 dev old nodad", f"route add {SECOND_POOL} via {SECOND_ANCHOR}")
    played = PlayedAnchor(node, SECOND_ANCHOR, OLD_PREFIX, bytes.fromhex(KEY[LINK]), SPI[LINK])
    played.ear = Ear(node, "eth0")
    yield played
    played.ear.close()
    played.close()


def test_an_anchor_that_ignores_the_option(lab, gateway, old_anchor):
    """RFC 8278, 4.4: one way it is, the one that it was asked by."""
    lab.plug(LINK, "mn2")
    wait_for(lambda: (gateway.attachment(2) or {}).get("state") == "attached", "the host to be attached")
    attached = gateway.attachment(2)
    assert (attached["anchor"], attached["prefixes"], attached["paths"]) == ("old", [OLD_PREFIX], [])
    source, options = old_anchor.updates[0]
    assert source == LTE and {MULTIPATH, MAG_ID} <= options.keys()
    address = wait_for(lambda: next((text for text, flags in lab.mn2.addresses("wlan0").items()
                                     if text.startswith("2001:db8:6000:1:") and "tentative" not in flags),
                                    None), "the host to have an address")
    # Both ways through that tunnel; the first packet may be lost while neighbours are resolved.
    question = IPv6(src=CN, dst=address) / ICMPv6EchoRequest(id=7, seq=7)
    outer = IPv6(src=SECOND_ANCHOR, dst=LTE, nh=41, hlim=64)

    def echoed():
        sender.sendto(bytes(outer / question), (LTE, 0))
        answers = old_anchor.ear.heard(lambda heard: heard[6] == 41 and heard[80:81] == b"\x81")
        return {socket.inet_ntop(socket.AF_INET6, heard[8:24]) for heard in answers}

    with old_anchor.node.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW) as sender:
        assert wait_for(echoed, "the host to answer", 60, 0.5) == {LTE}
    # What it says on arrival extends the registration: by the one way, without asking for more. Before,
    # the first update may have been repeated.
    first = len(old_anchor.updates)
    lab.plug(None, "mn2")
    lab.plug(LINK, "mn2")
    wait_for(lambda: len(old_anchor.updates) > first, "another registration")
    for source, options in old_anchor.updates[first:]:
        assert source == LTE and not {MULTIPATH, MAG_ID} & options.keys()
    assert gateway.attachment(2)["state"] == "attached"
