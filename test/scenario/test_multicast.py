"""Multicast that follows the node: the real dmm-mn and gateway, programs that listen and a sender on
the core link; and Multicast State options made by the test
(draft-sarikaya-mext-multicastdmm-04)."""

import socket
import struct
import threading
import time

import pytest
from scapy.layers.inet6 import (ICMPv6MLDMultAddrRec, ICMPv6MLReport2, IPv6, IPv6ExtHdrHopByHop,
                                MIP6OptUnknown, RouterAlert)

import mip6
from lab import programs
from lab.system import wait_for
from lab.topology import HOME_AGENT
from test_node_multicast import ANY, IS_EXCLUDE, IS_INCLUDE, MULTICAST_STATE, OTHER, PORT, SPECIFIC, Listener, \
    groups

FORBIDDEN = "ff05::5:4"
SENDER = "2001:db8:1::ff"


class Source:
    """A program on the core link that sends numbered messages to groups, from an address there."""

    def __init__(self, lab, address=SENDER):
        self.socket = lab.core.socket(socket.AF_INET6, socket.SOCK_DGRAM, 0)
        interface = next(link["ifname"] for link in lab.core.ip_json("-6", "address")
                         if address in [a.get("local") for a in link["addr_info"]])
        index = lab.core.ip_json("link", "show", "dev", interface)[0]["ifindex"]
        self.socket.bind((address, 0))
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF,
                               struct.pack("=I", index))
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 9)

    def send(self, group, payload):
        self.socket.sendto(payload, (group, PORT))

    def close(self):
        self.socket.close()


@pytest.fixture
def source(lab):
    made = Source(lab)
    yield made
    made.close()


def records_of(*records, src, dst="ff02::16"):
    """A report as a packet; records: (type, group, sources)."""
    listed = [ICMPv6MLDMultAddrRec(rtype=kind, dst=group, sources=list(sources))
              for kind, group, *sources in records]
    return (IPv6(src=src, dst=dst, hlim=1) / IPv6ExtHdrHopByHop(options=[RouterAlert()])
            / ICMPv6MLReport2(records=listed))


def tunnelled(peer, packet):
    peer.send(IPv6(src=peer.care_of, dst=HOME_AGENT, nh=41) / packet)


def option(*bodies):
    return [MIP6OptUnknown(otype=MULTICAST_STATE, odata=body) for body in bodies]


def report(*listened, checksum=0):
    head = bytes([143, 0]) + checksum.to_bytes(2, "big") + bytes(2) + len(listened).to_bytes(2, "big")
    return head + b"".join(bytes([IS_EXCLUDE, 0, 0, 0]) + mip6.address(g) for g in listened)


def hears(listener, source, group, what):
    """Waits until a message arrives that was sent after this began; no message may come twice."""
    seen = []

    def came():
        source.send(group, b"%d" % time.monotonic_ns())
        seen.extend(listener.heard())
        return seen

    wait_for(came, what)
    time.sleep(0)
    assert len(seen) == len(set(seen)), seen


def test_groups_follow_the_node(lab, gateway, mobile_node, source):
    lab.plug("a")
    mobile_node.start()
    wait_for(lambda: mobile_node.status()["state"] == "registered", "the registration")
    listener = Listener(lab)
    listener.join(ANY)
    listener.join_source(SPECIFIC, SENDER)
    wait_for(lambda: [g["accepted"] for g in groups(mobile_node).values()] == [True, True],
             "both groups to be accepted")
    for group in (ANY, SPECIFIC):
        hears(listener, source, group, f"{group} on link a")
    lab.plug("b")
    wait_for(lambda: mobile_node.status()["state"] == "registered"
             and mobile_node.status()["interface"] == "wlan0"
             and mobile_node.status()["care_of_address"].startswith("2001:db8:b:"),
             "the registration from link b")
    hears(listener, source, ANY, "the group on link b")
    # A gateway that starts again serves what is in its store, without a word of the node.
    gateway.control.process.send(9)
    gateway.control.process.wait()
    gateway.control.start()
    wait_for(gateway.synchronised, "the data plane to be synchronised")
    hears(listener, source, SPECIFIC, "the group after a restart of control")
    gateway.data_plane.process.send(9)
    gateway.data_plane.process.wait()
    gateway.data_plane.start()
    wait_for(gateway.synchronised, "the data plane to be synchronised")
    hears(listener, source, ANY, "the group after a restart of the data plane")
    listener.leave(ANY)
    wait_for(lambda: set(groups(mobile_node)) == {SPECIFIC}
             and groups(mobile_node)[SPECIFIC]["accepted"], "the group to be given up")
    before = mobile_node.status()["tunnel"]["in_not_home"]
    listener.heard()
    source.send(ANY, b"too late")
    hears(listener, source, SPECIFIC, "the other group")
    assert mobile_node.status()["tunnel"]["in_not_home"] == before
    listener.close()


def records(answer):
    """The groups that an acknowledgement names; None without the option."""
    bodies = [data for _, kind, data in mip6.options_of(answer.octets) if kind == MULTICAST_STATE]
    if not bodies:
        return None
    return {socket.inet_ntop(socket.AF_INET6, body[at + 4:at + 20])
            for body in bodies for at in range(8, len(body), 20)}


def test_what_is_accepted_is_answered(peer, subscriber, control, source):
    """What is not allowed or cannot be read never refuses the binding (4.1)."""
    values = subscriber()
    peer.attach("a")
    assert records(peer.register(values)) is None
    drops = control.drops()
    ip4 = bytes([0x22, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 239, 1, 1, 1])
    overrun = report(ANY)[:-1]
    answer = peer.register(values, more=option(report(ANY, FORBIDDEN, "ff02::5"), ip4, overrun))
    assert records(answer) == {ANY}
    after = control.drops()
    for counter in ("multicast_ip4", "multicast_malformed", "multicast_refused", "multicast_scope"):
        assert after[counter] == drops[counter] + 1, counter

    def tunnelled(group, payload):
        source.send(group, payload)
        return peer.ear.heard(lambda octets: octets[6] == 41 and payload in octets)

    wait_for(lambda: tunnelled(ANY, b"wanted"), "the group in the tunnel")
    # Changed, then emptied, then ended with the binding.
    assert records(peer.register(values, more=option(report(OTHER)))) == {OTHER}
    wait_for(lambda: tunnelled(OTHER, b"another"), "the other group in the tunnel")
    assert not tunnelled(ANY, b"not any more")
    assert records(peer.register(values, more=option(report()))) == set()
    assert records(peer.register(values, more=option(report(ANY)))) == {ANY}
    wait_for(lambda: tunnelled(ANY, b"again"), "the group in the tunnel")
    assert records(peer.register(values, lifetime=0)) is None
    peer.register(values)
    since = peer.ear.mark()
    source.send(ANY, b"over")
    peer.register(values)
    assert not peer.ear.heard(lambda octets: octets[6] == 41 and b"over" in octets, since)


def with_sources(group, *sources, count=None):
    """A report of one group from these sources; count: said to be so many."""
    head = bytes([143, 0, 0, 0, 0, 0, 0, 1, IS_INCLUDE, 0])
    count = len(sources) if count is None else count
    return head + count.to_bytes(2, "big") + b"".join(map(mip6.address, (group, *sources)))


BAD_STATES = {
    "records beyond the end": ("multicast_malformed", report(ANY)[:7] + b"\x02" + report(ANY)[8:]),
    "a record beyond the end": ("multicast_malformed", report(ANY)[:-1]),
    "sources beyond the end": ("multicast_malformed", with_sources(SPECIFIC, SENDER, count=2)),
    "sources far beyond the end": ("multicast_malformed",
                                   with_sources(SPECIFIC, SENDER, count=0xffff)),
    "less than a head": ("multicast_malformed", bytes([143, 0, 0])),
    "nothing": ("multicast_malformed", b""),
    "a query": ("multicast_malformed", bytes([130]) + bytes(27)),
    "a report of another version": ("multicast_malformed", bytes([131]) + bytes(7) + mip6.address(ANY)),
    "a unicast address": ("multicast_no_group", report("2001:db8:1::ff")),
    "the unspecified address": ("multicast_no_group", report("::")),
    "a group of the interface": ("multicast_scope", report("ff01::5")),
    "a group of the link": ("multicast_scope", report("ff02::5")),
    "a multicast source": ("multicast_source", with_sources(SPECIFIC, OTHER)),
    "a source of the link": ("multicast_source", with_sources(SPECIFIC, "fe80::1")),
}


def test_bad_states_are_left_out(peer, subscriber, control):
    """Each is counted for what it is, spoils no other, and never refuses the binding."""
    values = subscriber()
    peer.attach("a")
    before = control.drops()
    for what, (counter, bad) in BAD_STATES.items():
        answer = peer.register(values, more=option(bad, report(OTHER)))
        assert records(answer) == {OTHER}, what
        after = control.drops()
        moved = {name for name in after if name.startswith("multicast_")
                 and after[name] != before.get(name, 0)}
        # OTHER is one that nobody listens to on the home link.
        assert moved - {"multicast_states", "multicast_disagrees"} == {counter}, what
        before = after
    # One that is nothing else says nothing: what the node listens to stays as it was.
    assert records(peer.register(values, more=option(report(ANY)[:-1], b""))) is None
    assert control.drops()["multicast_malformed"] == before["multicast_malformed"] + 1
    assert OTHER in [item["group"] for item in control.ask("mcast", "show")["groups"]]
    before = control.drops()
    # No packet has the addresses that a checksum in the option could cover: it is not looked at.
    answer = peer.register(values, more=option(report(ANY, checksum=0xbeef)))
    assert records(answer) == {ANY}
    assert answer.options[MULTICAST_STATE][2:4] == bytes(2)
    after = control.drops()
    assert after["multicast_malformed"] == before["multicast_malformed"]
    assert after["multicast_checksum"] == before["multicast_checksum"] + 1


def test_ip4_groups_are_kept(gateway, peer, subscriber, control):
    """They are answered as none, as long as nothing of IPv4 is served, and are not forgotten."""
    values, before = subscriber(), control.drops()
    ip4 = bytes([0x22, 0, 0, 0, 0, 0, 0, 1, IS_INCLUDE, 0, 0, 1, 239, 1, 1, 1, 192, 0, 2, 7])

    def told():
        answer = control.ask("mcast", "explain", values["mn_id"], "239.1.1.1", "192.0.2.7")["home_addresses"][0]
        assert not answer["copied"] and answer["why"].startswith("IPv4 groups are not served")
        return answer["filter"]

    def bodies(answer):
        return [data for _, kind, data in mip6.options_of(answer.octets) if kind == MULTICAST_STATE]

    peer.attach("a")
    answer = peer.register(values, more=option(ip4, report(ANY)))
    assert records(answer) == {ANY}
    assert bodies(answer)[1:] == [bytes([0x22]) + bytes(7)]
    kept = {"mode": "include", "sources": ["::ffff:192.0.2.7"]}
    assert told() == kept
    assert control.drops()["multicast_ip4"] == before["multicast_ip4"] + 1
    assert ANY in [item["group"] for item in control.ask("mcast", "show")["groups"]]
    gateway.control.process.send(9)
    gateway.control.process.wait()
    gateway.control.start()
    wait_for(gateway.synchronised, "the data plane to be synchronised")
    assert told() == kept
    answer = peer.register(values, more=option(report(ANY)))
    assert records(answer) == {ANY} and len(bodies(answer)) == 1
    assert told() is None


def test_a_thousand_groups(peer, subscriber, control):
    """What one node may not listen to is left out: first what no state has room for, then what is
    beyond the configured number."""
    values, other = subscriber(), subscriber()
    peer.attach("a")
    assert records(peer.register(other, more=option(report(ANY)))) == {ANY}
    before = control.drops()
    for first in range(0, 1000, 50):
        wanted = [f"ff1e::6:{n:x}" for n in range(first, first + 50)]
        answer = peer.register(values, more=option(
            *(report(*wanted[at:at + 10]) for at in range(0, 50, 10))))
        assert records(answer) == set(wanted[:16])
    after = control.drops()
    for counter in ("multicast_full", "multicast_refused"):
        assert after[counter] == before[counter] + 20, counter
    shown = [item["group"] for item in control.ask("mcast", "show")["groups"]]
    assert sorted(shown) == sorted([ANY, *wanted[:16]])
    assert records(peer.register(values, more=option(report()))) == set()
    assert [item["group"] for item in control.ask("mcast", "show")["groups"]] == [ANY]
    peer.register(other, lifetime=0)


def test_a_subscriber_may_listen_to_less(peer, subscriber, control):
    values = subscriber(multicast_groups=["ff1e::5:0/112"], multicast_max_groups=1)
    free, none = subscriber(), subscriber(multicast_max_groups=0)
    peer.attach("a")
    assert records(peer.register(values, more=option(report(SPECIFIC, OTHER)))) == {OTHER}
    assert records(peer.register(values, more=option(report(ANY, OTHER)))) == {ANY}
    assert records(peer.register(free, more=option(report(ANY, OTHER, SPECIFIC)))) == {
        ANY, OTHER, SPECIFIC}
    assert records(peer.register(none, more=option(report(ANY)))) == set()
    shown = control.ask("subscriber", "show", values["mn_id"])["subscribers"][0]
    assert shown["multicast_groups"] == ["ff1e::5:0/112"] and shown["multicast_max_groups"] == 1
    told = control.ask("mcast", "explain", values["mn_id"], SPECIFIC, SENDER)["home_addresses"][0]
    assert told["why"] == "the subscriber may not listen to the group"


def test_reports_through_the_tunnel_are_ignored(peer, subscriber, control, counted, source):
    """As long as the configuration does not say otherwise."""
    node = subscriber()
    home = node["home_addresses"][0]
    peer.attach("a")
    peer.register(node)
    since = peer.ear.mark()
    for number, address in enumerate((home, "fe80::7:7"), 1):
        tunnelled(peer, records_of((4, ANY), src=address))
        wait_for(lambda number=number: counted("mld_ignored") == number, "it to be counted")
    assert ANY not in [item["group"] for item in control.ask("mcast", "show")["groups"]]
    source.send(ANY, b"unwanted")
    assert records(peer.register(node, more=option(report(OTHER)))) == {OTHER}

    def came():
        source.send(OTHER, b"heard")
        return peer.ear.heard(lambda octets: octets[6] == 41 and b"heard" in octets, since)

    wait_for(came, "the other group in the tunnel")
    assert not peer.ear.heard(lambda octets: b"unwanted" in octets, since)


def test_a_move_loses_nothing_more_than_unicast(lab, gateway, mobile_node, source):
    """Twice as many copies would be as wrong as none."""
    lab.plug("a")
    mobile_node.start()
    wait_for(lambda: mobile_node.status()["state"] == "registered", "the registration")
    listener = Listener(lab)
    listener.join(ANY)
    wait_for(lambda: groups(mobile_node).get(ANY, {}).get("accepted"), "the group to be accepted")
    hears(listener, source, ANY, "the group")
    ending = threading.Event()

    def stream():
        number = 0
        while not ending.wait(0.01):
            source.send(ANY, b"n%d" % number)
            number += 1

    thread = threading.Thread(target=stream)
    thread.start()
    lab.plug("b")
    wait_for(lambda: mobile_node.status()["care_of_address"] or "", "an address on link b")
    seen = []

    def enough():
        seen.extend(listener.heard())
        return len(seen) > 50 and (mobile_node.status()["care_of_address"] or "").startswith(
            "2001:db8:b:")

    wait_for(enough, "the stream on link b")
    ending.set()
    thread.join()
    assert len(seen) == len(set(seen))
    listener.close()


@pytest.fixture
def narrow(gateway):
    """The data plane has room for one member of a group, until the end of the test."""
    def restart():
        since = gateway.control.ask("dp", "show")["data_planes"][0]["connected_since"]
        gateway.data_plane.process.stop()
        gateway.data_plane.start()
        wait_for(lambda: gateway.synchronised() and gateway.control.ask(
            "dp", "show")["data_planes"][0]["connected_since"] != since, "the data plane")

    before = gateway.data_plane.config
    gateway.data_plane.config = programs.changed_copy(before, gateway.node.directory / "narrow.cfg", [
        ("rules = 16384;", "rules = 16384; members = 1; grow = false;")])
    restart()
    yield
    gateway.data_plane.config = before
    restart()


def test_what_a_data_plane_cannot_take(narrow, peer, subscriber, control, counted, source):
    """Nobody is told that he is served, or shown to be, while a table is full."""
    first, second = subscriber(), subscriber()
    home = second["home_addresses"][0]
    peer.attach("a")
    assert records(peer.register(first, more=option(report(ANY)))) == {ANY}
    assert records(peer.register(second, more=option(report(OTHER)))) == set()
    assert counted("multicast_members_failed") > 0

    def failed():
        return {item["group"]: item["not_installed"] for item in control.ask("mcast", "show")["groups"]}

    def explained():
        return control.ask("mcast", "explain", second["mn_id"], OTHER, SENDER)["home_addresses"][0]

    assert failed() == {ANY: 0, OTHER: 1}
    member, = control.ask("mcast", "members", OTHER)["listeners"]
    assert member["home_address"] == home and member["not_installed"] == ["dp1"]
    assert not explained()["copied"] and explained()["why"] == "a table of the data plane is full"
    # It is tried again, and succeeds when there is room.
    peer.register(first, lifetime=0)
    wait_for(lambda: failed() == {OTHER: 0}, "the member to be taken")
    assert explained()["copied"] and counted("multicast_installed_late") > 0
    assert records(peer.register(second, more=option(report(OTHER)))) == {OTHER}
    since = peer.ear.mark()

    def came():
        source.send(OTHER, b"at last")
        return peer.ear.heard(lambda octets: octets[6] == 41 and b"at last" in octets, since)

    wait_for(came, "the group in the tunnel")
