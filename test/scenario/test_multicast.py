"""Multicast that follows the node: the real dmm-mn and gateway, programs that listen and a sender on
the core link; and Multicast State options made by the test
(draft-sarikaya-mext-multicastdmm-04)."""

import socket
import struct
import threading
import time

import pytest
from scapy.layers.inet6 import MIP6OptUnknown

import mip6
from lab.system import wait_for
from test_node_multicast import ANY, IS_EXCLUDE, MULTICAST_STATE, OTHER, PORT, SPECIFIC, Listener, \
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


def option(*bodies):
    return [MIP6OptUnknown(otype=MULTICAST_STATE, odata=body) for body in bodies]


def report(*listened):
    head = bytes([143, 0, 0, 0, 0, 0]) + len(listened).to_bytes(2, "big")
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
    body = answer.options.get(MULTICAST_STATE)
    if body is None:
        return None
    return {socket.inet_ntop(socket.AF_INET6, body[at + 4:at + 20])
            for at in range(8, len(body), 20)}


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
