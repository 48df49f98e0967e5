"""Listeners on the home link and nodes that are away: the gateway as MLD querier (RFC 3810), with
Linux and its sockets as listeners, and as a router on the same link."""

import socket

import pytest
from scapy.layers.inet6 import (ICMPv6MLDone, ICMPv6MLReport, ICMPv6MLQuery2, ICMPv6MLReport2, ICMPv6MLDMultAddrRec,
                                IPv6, IPv6ExtHdrHopByHop, RouterAlert)
from scapy.layers.l2 import Ether

from lab import programs
from lab.capture import Capture
from lab.system import run, wait_for
from test_multicast import SENDER, Source, hears
from test_node_multicast import ANY, OTHER, PORT, SPECIFIC, Listener, groups

QUICK = 'querier = { interval = "2s"; response = "500ms"; last_listener = "100ms"; };'


@pytest.fixture(scope="module")
def gateway(lab, build):
    started = programs.Gateway(lab, build)
    started.control.reconfigure(
        ('querier = { interval = "125s"; };', QUICK))
    started.start()
    yield started
    for process in (started.data_plane.process, started.control.process):
        assert process.stop() == 0


@pytest.fixture
def source(lab):
    made = Source(lab)
    yield made
    made.close()


class HomeListener(Listener):
    """A program on the host of the home link."""

    def __init__(self, lab):
        self.index = lab.host.ip_json("link", "show", "dev", "eth0")[0]["ifindex"]
        self.socket = lab.host.socket(socket.AF_INET6, socket.SOCK_DGRAM, 0)
        self.socket.bind(("::", PORT))
        self.socket.setblocking(False)


@pytest.fixture
def listener(lab):
    made = HomeListener(lab)
    yield made
    made.close()


@pytest.fixture(scope="module")
def capture(lab, gateway):
    made = Capture(lab.host, "eth0", "home", "ip6")
    yield made
    made.stop()


def listened(control):
    """What data planes copy: {(group, source or None): members}."""
    return {(item["group"], item["source"]): item["members"]
            for item in control.ask("mcast", "show")["groups"]}


def test_listeners_on_the_home_link(lab, control, capture, source, listener):
    listener.join(ANY)
    wait_for(lambda: listened(control) == {(ANY, None): 1}, "the group to be listened to")
    hears(listener, source, ANY, "the group on the home link")
    # Linux answers the queries, so that it goes on.
    queries = control.drops()["mld_queries"]
    wait_for(lambda: control.drops()["mld_queries"] > queries + 2, "more queries")
    assert listened(control) == {(ANY, None): 1}
    listener.join_source(SPECIFIC, SENDER)
    wait_for(lambda: listened(control) == {(ANY, None): 1, (SPECIFIC, SENDER): 1}, "the source")
    hears(listener, source, SPECIFIC, "the source on the home link")
    told = control.ctl("mcast", "members", SPECIFIC)
    assert "home" in told
    listener.leave(ANY)
    wait_for(lambda: listened(control) == {(SPECIFIC, SENDER): 1}, "the group to be left")
    size = capture.size()
    source.send(ANY, b"too late")
    hears(listener, source, SPECIFIC, "the source again")
    assert not any(b"too late" in frame for _, frame in capture.packets(size))
    listener.close()
    wait_for(lambda: listened(control) == {}, "all to be left")


def test_a_node_at_home_and_away(lab, control, mobile_node, source):
    """One copy on the home link, or one in the tunnel, and never both."""
    lab.plug("home")
    mobile_node.start()
    wait_for(lambda: mobile_node.status()["state"] == "home", "the node to be at home")
    listener = Listener(lab)
    # A program on the node hears on the link and in the tunnel: the kernel joins on both.
    listener.join(ANY)
    hears(listener, source, ANY, "the group at home")
    lab.plug("a")
    wait_for(lambda: groups(mobile_node).get(ANY, {}).get("accepted"), "the group to be accepted")
    disagreed = control.drops()["multicast_disagrees"]
    hears(listener, source, ANY, "the group on link a")
    # The home link times out, the tunnel does not.
    wait_for(lambda: [one["port"] for one in control.ask("mcast", "members", ANY)["listeners"]]
             == [None], "nobody to be left on the home link")
    # Queries come through the tunnel; its kernel answers dmm-mn.
    reports = mobile_node.status()["multicast"]["reports"]
    asked = control.drops()["mld_tunnel_queries"]
    wait_for(lambda: control.drops()["mld_tunnel_queries"] > asked, "a query into the tunnel")
    wait_for(lambda: mobile_node.status()["multicast"]["reports"] > reports, "an answer to it")
    # At home nobody listens to this one: the option counts.
    listener.join(OTHER)
    wait_for(lambda: groups(mobile_node).get(OTHER, {}).get("accepted"), "the other group")
    assert control.drops()["multicast_disagrees"] > disagreed
    hears(listener, source, OTHER, "the other group on link a")
    lab.plug("home")
    wait_for(lambda: mobile_node.status()["state"] == "home", "the node to be at home")
    listener.heard()
    hears(listener, source, ANY, "the group at home again")
    listener.close()


def message(lab, layers, **changes):
    link_local = next(a for a in lab.host.addresses("eth0") if a.startswith("fe80:"))
    values = {"src": link_local, "dst": "ff02::16", "hlim": 1} | changes
    alert = values.pop("alert", True)
    packet = Ether(src=lab.host.mac("eth0"), dst="33:33:00:00:00:16") / IPv6(**values)
    if alert:
        packet /= IPv6ExtHdrHopByHop(options=[RouterAlert()])
    return bytes(packet / layers)


def wants(group):
    return ICMPv6MLReport2(records=[ICMPv6MLDMultAddrRec(rtype=4, dst=group)])


def leaves(group):
    return ICMPv6MLReport2(records=[ICMPv6MLDMultAddrRec(rtype=3, dst=group)])


def test_what_listeners_must_not_do(lab, control, counted):
    """RFC 3810, 5.2.13, 6.2 and 7.4."""
    wire = lab.host.packet_socket("eth0")
    malformed = wants(OTHER)
    malformed.records_number = 3
    bad = {"mld_hop_limit": message(lab, wants(OTHER), hlim=64),
           "mld_router_alert": message(lab, wants(OTHER), alert=False),
           "mld_source": message(lab, wants(OTHER), src="2001:db8:100::20"),
           "mld_forbidden": message(lab, wants("ff05::1:3")),
           "mld_malformed": message(lab, malformed)}
    wrong = bytearray(message(lab, wants(OTHER)))
    wrong[-1] ^= 1
    bad["mld_checksum"] = bytes(wrong)
    before = {name: counted(name) for name in bad}
    for name, frame in bad.items():
        wire.send(frame)
        wait_for(lambda name=name: counted(name) > before[name], f"{name} to be counted")
    assert OTHER not in {group for group, _ in listened(control)}
    # And one that is right; and one of an older listener, sent to the group itself.
    wire.send(message(lab, wants(OTHER)))
    wait_for(lambda: (OTHER, None) in listened(control), "the group to be listened to")
    wire.send(message(lab, ICMPv6MLReport(mladdr=SPECIFIC), dst=SPECIFIC))
    wait_for(lambda: (SPECIFIC, None) in listened(control), "the older listener to be heard")
    wire.send(message(lab, leaves(OTHER)))
    wire.send(message(lab, ICMPv6MLDone(mladdr=SPECIFIC), dst="ff02::2"))
    wait_for(lambda: not {OTHER, SPECIFIC} & {group for group, _ in listened(control)},
             "them to be left")
    wire.close()


def test_another_querier(lab, control, counted):
    """RFC 3810, 7.6.2: the lowest address asks."""
    wire = lab.host.packet_socket("eth0")
    query = ICMPv6MLQuery2(mrd=500, QRV=2, QQIC=1)
    higher = message(lab, query, src="fe80:ffff::1", dst="ff02::1")
    lower = message(lab, query, src="fe80::1", dst="ff02::1")
    wire.send(higher)
    wait_for(lambda: counted("mld_queries_heard") == 1, "the query to be heard")
    assert counted("mld_yielded") == 0
    wire.send(lower)
    wait_for(lambda: counted("mld_yielded") > 0, "the querier to yield")
    wait_for(lambda: wire.send(lower) and control.ask("mcast", "links")["links"][0]["other_querier"]
             == "fe80::1", "the other querier to be shown")
    asked = counted("mld_queries")
    wait_for(lambda: counted("mld_queries") > asked, "it to ask again when the other is silent")
    link, = control.ask("mcast", "links")["links"]
    assert link["link"] == "home" and link["querier"] and link["other_querier"] is None
    wire.close()


def test_tshark_finds_nothing_wrong(control, capture, lab):
    found = run("tshark", "-r", capture.stop(), "-Y", "icmpv6.type == 130", "-T", "fields", "-e",
                "eth.src", "-e", "ipv6.hlim", "-e", "ipv6.src", "-e", "_ws.expert.message")
    mac = lab.gw.mac("home")
    ours = [line.split("\t") for line in found.splitlines() if line.startswith(mac)]
    assert ours
    for _, hops, address, complaint in ours:
        assert hops == "1" and address.startswith("fe80:") and not complaint
