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
NEAR, FAR, LIMIT = 0.03, 0.15, 0.2  # seconds; the first two each way; there and back the limit is between
WAIT = 1  # second, for those before: as long as may be
BUFFER = f'buffer = 256; wait = "{WAIT}s";'
DISTRIBUTION = f"""	gre = "%s";
	distribution = {{
		steering = "packet";
		order = {{ numbers = true; {BUFFER} delay_difference = "{round(1000 * LIMIT)}ms"; hold = "3s"; }};
	}};
"""
WATCHED = supervised("400ms", 8, 3)


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
    """What is shown of it, with what the data plane counts, once that has answered."""
    def shown():
        found = end.control.ask("path", "order", address)
        return found["sent"] is not None and found
    return wait_for(shown, "the data plane to tell what it counts")


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


def both_ways(lab, anchor, gateway, address):
    """What arrives down and up, and what each end has counted meanwhile. None: the cable itself was later
    than packets are waited for."""
    before = {end: order(end, address) for end in (anchor, gateway)}
    lab.wlan.late = 0.0
    try:
        came = [arrivals(lab, address, down) for down in (True, False)]
    except TimeoutError:  # what is too late is dropped
        came = None
    if lab.wlan.late > WAIT / 2:
        return None
    assert came, "packets are lost"
    counted = []
    for end in anchor, gateway:
        was, now = before[end], order(end, address)
        counted.append({key: now[key] - was[key] for key in now if isinstance(now[key], int)})
    return came, counted


def test_packets_come_in_order(lab, anchor, gateway, address):
    until_none_is_lost(lab, address)
    came, counted = wait_for(lambda: both_ways(lab, anchor, gateway, address), "a cable that is quick enough", 300)
    assert came == [IN_ORDER, IN_ORDER]
    for risen in counted:
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
        assert f"more than {1000 * LIMIT:.0f} ms" in events(end, "path-order-refused")[-1]
        wait_for(lambda end=end: all(path["delay_difference_ms"] > 1000 * LIMIT
                                     for path in end.control.ask("path", "show")["paths"]), "it to be seen")
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
