"""Multicast while another data plane comes to serve a node: it moves to where another one is the nearest, and
the one that serves it dies and comes back."""

import collections
import signal
import socket
import struct
import threading

import pytest

from lab import programs
from lab.system import wait_for
from lab.topology import CORE_GATEWAY, HOME_ADDRESS
from lab.two_planes import TwoPlanes
from test_node_multicast import ANY, PORT, Listener, groups
from test_two_data_planes import at_home_with, go, lab  # noqa: F401

RATE = 100        # a second
SO_RCVBUFFORCE = 33
IN_FLIGHT = 300   # packets: data planes hear of a change one after the other, on a machine of few processors
STEADY = 50       # packets in a row, of both kinds, each of which comes once
MULTICAST = 'multicast = { max_groups = 8; groups = ["ff1e::/16"]; };\nroles'
JOINS = 'multicast_upstream = "core";\nname = '


@pytest.fixture(scope="module")
def gateway(lab, build):  # noqa: F811
    started = TwoPlanes(lab, build)
    started.control.reconfigure(("roles", MULTICAST))
    for name, plane in started.planes.items():
        plane.config = programs.changed_copy(plane.config, plane.node.directory / "joins.cfg",
                                             [(f'name = "{name}"', f'{JOINS}"{name}"')])
    started.start()
    wait_for(started.serving, "both data planes to serve", 60)
    yield started
    for part in (*started.planes.values(), started.control):
        if part.process.running():
            assert part.process.stop() == 0


class Pairs:
    """Sends packets in pairs of one number: one to a group, on the links of both data planes, as routers of
    multicast would that both have asked, and one to the home address."""

    def __init__(self, core):
        self.sockets, self.sent, self.ending = [], 0, threading.Event()
        for interface in ("gw", "gw2"):
            made = core.socket(socket.AF_INET6, socket.SOCK_DGRAM, 0)
            made.bind((CORE_GATEWAY, 0))
            index = core.ip_json("link", "show", "dev", interface)[0]["ifindex"]
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, struct.pack("=I", index))
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 9)
            self.sockets.append(made)
        self.thread = threading.Thread(target=self._send)
        self.thread.start()

    def _send(self):
        while not self.ending.wait(1 / RATE):
            for made in self.sockets:
                made.sendto(b"group %d" % self.sent, (ANY, PORT))
            self.sockets[0].sendto(b"home %d" % self.sent, (HOME_ADDRESS, PORT))
            self.sent += 1

    def stop(self):
        self.ending.set()
        self.thread.join()
        for made in self.sockets:
            made.close()


class Heard:
    """How often a program on the node has heard each number, by the kind of packet."""

    def __init__(self, listener):
        self.listener, self.counts = listener, {kind: collections.Counter() for kind in (b"group", b"home")}

    def reaches(self, number):
        """Whether both kinds have got as far."""
        for message in self.listener.heard():
            kind, text = message.split()
            self.counts[kind][int(text)] += 1
        return all(counts and max(counts) >= number for counts in self.counts.values())

    def settled(self, since):
        """The first number from which on, and not before 'since', both kinds came as they should; None: none yet."""
        if not self.reaches(since + STEADY):
            return None
        row = 0
        for number in range(since, min(map(max, self.counts.values())) + 1):
            row = row + 1 if all(counts[number] == 1 for counts in self.counts.values()) else 0
            if row == STEADY:
                return number + 1 - STEADY
        return None

    def lost(self, kind, since, until):
        return sum(self.counts[kind][number] == 0 for number in range(since, until))

    def doubled(self, since, until):
        return sum(max(0, self.counts[b"group"][number] - 1) for number in range(since, until))


@pytest.fixture
def pairs(lab):  # noqa: F811
    made = Pairs(lab.core)
    yield made
    made.stop()


def test_the_group_follows_to_another_data_plane(lab, gateway, control, mobile_node,  # noqa: F811
                                                 pairs, record_property):
    mobile_node.start()
    go(lab, mobile_node, control, "a")
    listener = Listener(lab)
    # It is not read while something is waited for.
    listener.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
    listener.join(ANY)
    wait_for(lambda: groups(mobile_node).get(ANY, {}).get("accepted"), "the group to be accepted")
    heard = Heard(listener)
    wait_for(lambda: heard.reaches(0), "both streams")
    # The one that does not serve has asked for it too.
    wait_for(lambda: all(ANY in plane.node.run("ip", "-6", "maddr", "show", "dev", "core")
                         for plane in gateway.planes.values()), "both to have joined upstream")
    dying = gateway.planes["dp2"]

    def dies():
        dying.process.stop(signal.SIGKILL)
        wait_for(lambda: at_home_with(mobile_node, control, "dp1"), "the other one to serve", 60)

    def returns():
        dying.start()
        wait_for(lambda: at_home_with(mobile_node, control, "dp2"), "it to serve again", 60)

    for change, act in (("move", lambda: go(lab, mobile_node, control, "b")), ("death", dies),
                        ("return", returns), ("move_back", lambda: go(lab, mobile_node, control, "a"))):
        since = pairs.sent
        wait_for(lambda: heard.reaches(since), f"the streams before the {change}")
        act()
        # Neither stream is interrupted, and no packet is doubled, from some time on.
        moved = pairs.sent
        until = wait_for(lambda: heard.settled(moved), f"the streams to settle after the {change}")
        lost = {kind: heard.lost(kind, since, until) for kind in (b"group", b"home")}
        twice = heard.doubled(since, until)
        for name, value in (("lost", lost[b"group"]), ("unicast_lost", lost[b"home"]), ("twice", twice)):
            record_property(f"{change}_{name}", value)
        assert lost[b"group"] <= lost[b"home"] + IN_FLIGHT, (change, lost)
        assert twice <= IN_FLIGHT, (change, twice)
    listener.close()
