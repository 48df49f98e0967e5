"""Packets that take two paths one by one, of which one is slower: they come out of order, unless GRE
sequence numbers put them right (RFC 2890); and where the paths differ too much that is refused."""

import itertools
import json
import socket
import time

import pytest

from lab.proxy import global_address
from lab.proxy_paths import PathsGateway, PathsLab, make_anchor, supervised
from lab.system import wait_for
from lab.topology import CN
from proxy_rig import PATIENT
from rig import network, stop
from slow_cable import SlowCable

PORT = 7000
PACKETS = 200  # fewer than wait at most
NEAR, FAR = 0.03, 0.11  # seconds, each way; there and back the limit is between
BUFFER = 'buffer = 256; wait = "1s";'
DISTRIBUTION = f"""	gre = "%s";
	distribution = {{
		steering = "packet";
		order = {{ numbers = true; {BUFFER} delay_difference = "150ms"; hold = "1s"; }};
	}};
"""
WATCHED = supervised("250ms", 8, 3)


class SlowLab(PathsLab):
    def lay_wlan(self, gateway, interface, core, cable):
        self.wlan = SlowCable(self, "wlan", gateway, interface, core, cable)
        self.wlan.delay = NEAR


@pytest.fixture(scope="module")
def lab(build, tmp_path_factory, request):
    with network(SlowLab, request, tmp_path_factory, 160) as made:
        yield made
        made.wlan.close()


@pytest.fixture(scope="module")
def anchor(lab, build):
    started = make_anchor(lab, build, PATIENT,
                          supervision=WATCHED, distribution=DISTRIBUTION % "asked")
    started.start()
    yield started
    stop(started)


@pytest.fixture(scope="module")
def gateway(lab, build, anchor):
    started = PathsGateway(lab, build, supervision=WATCHED, distribution=DISTRIBUTION % "keys")
    started.start()
    yield started
    stop(started)


@pytest.fixture(scope="module")
def address(lab, anchor, gateway):
    lab.plug("1")
    found = wait_for(lambda: global_address(lab.mn), "the host to have an address")
    await_order(anchor, gateway, found, "kept")
    return found


def order(end, address):
    return end.control.ask("path", "order", address)


def await_order(anchor, gateway, address, state):
    """Both ends have it so for the peer, and for the node."""
    for end in anchor, gateway:
        wait_for(lambda: {path["order"] for path in end.control.ask("path", "show")["paths"]} == {state}
                 and order(end, address)["order"] == state, f"order to be {state}", 60)


def events(end, name):
    lines = end.control.ctl("--json", "events").splitlines()
    return [event["message"] for event in map(json.loads, lines) if event["event"] == name]


rounds = itertools.count(1)


def arrivals(lab, address, down):
    """Sends packets one after the other, down or up; their numbers as they arrive, all of them."""
    tag, (receiver, sender) = next(rounds), (lab.mn, lab.cn) if down else (lab.cn, lab.mn)
    with receiver.socket(socket.AF_INET6, socket.SOCK_DGRAM) as ear, \
            sender.socket(socket.AF_INET6, socket.SOCK_DGRAM) as mouth:
        ear.bind(("::", PORT))
        ear.settimeout(60)
        for number in range(PACKETS):
            mouth.sendto(bytes([tag, number]), (address if down else CN, PORT))
            time.sleep(0.001)
        found = []
        while len(found) < PACKETS:
            said, packet = ear.recv(2)
            found += [packet] if said == tag else []
        return found


def until_none_is_lost(lab, address):
    """Neighbours are resolved while packets wait, of which there is room for few."""
    for end, to in (lab.cn, address), (lab.mn, CN):
        wait_for(lambda: " 3 received" in end.run("ping", "-6", "-c", "3", "-i", "0.2", "-W", "1", to, check=False),
                 f"{to} to answer", 60)


IN_ORDER = list(range(PACKETS))


def test_packets_come_in_order(lab, anchor, gateway, address):
    until_none_is_lost(lab, address)
    before = {end: order(end, address) for end in (anchor, gateway)}
    assert arrivals(lab, address, True) == IN_ORDER
    assert arrivals(lab, address, False) == IN_ORDER
    for end in anchor, gateway:
        was, now = before[end], order(end, address)
        risen = {key: now[key] - was[key] for key in now if isinstance(now[key], int)}
        assert risen["sent"] >= PACKETS
        assert risen["held"] > 0 and risen["restored"] == risen["reordered"] > 0
        assert risen["late"] == risen["no_room"] == 0
    text = gateway.control.ctl("path", "order", address)
    assert "kept" in text and "put right" in text
    assert "ORDER" in gateway.control.ctl("path", "show").splitlines()[0]


def test_too_slow_a_path_is_refused(lab, anchor, gateway, address):
    lab.wlan.delay = FAR
    await_order(anchor, gateway, address, "uneven")
    for end in anchor, gateway:
        assert "more than 150 ms" in events(end, "path-order-refused")[-1]
        assert all(path["delay_difference_ms"] > 150 for path in end.control.ask("path", "show")["paths"])
    sent = {end: order(end, address)["sent"] for end in (anchor, gateway)}
    for down in True, False:  # a flow on one path
        assert arrivals(lab, address, down) == IN_ORDER
    assert {end: order(end, address)["sent"] for end in (anchor, gateway)} == sent
    lab.wlan.delay = NEAR
    await_order(anchor, gateway, address, "kept")
    for end in anchor, gateway:
        assert len(events(end, "path-order-kept")) > 1


def test_without_a_buffer_they_come_as_they_come(lab, anchor, gateway, address):
    for end in anchor, gateway:
        end.control.process.stop()
        end.control.reconfigure((BUFFER, "buffer = 0;"))
        end.control.start()
        wait_for(end.synchronised, "the data plane to be synchronised", 60)
    await_order(anchor, gateway, address, "kept")
    until_none_is_lost(lab, address)
    before = {end: order(end, address) for end in (anchor, gateway)}
    for down in True, False:
        found = arrivals(lab, address, down)
        assert found != IN_ORDER and sorted(found) == IN_ORDER
    for end in anchor, gateway:
        now = order(end, address)
        assert now["reordered"] > before[end]["reordered"] and now["held"] == before[end]["held"]
