"""Packets to a host that is on its way from one access gateway to another wait for it (lma.handover,
mag.handover), and what becomes of them if they do not."""

import contextlib
import socket
import struct
import threading

import pytest

from lab.proxy import LINKS, MN_ID, AccessGateway
from lab.system import wait_for
from proxy_rig import anchor, lab  # noqa: F401
from rig import stop
from test_access_gateway import arrive

BOUND = 300  # packets of a host that wait at the anchor
PORT = 4711
PACE_S = 0.002
SO_RCVBUFFORCE = 33
HUGEPAGES = 240
# Longer than any test takes: nothing here depends on time.
ANCHOR_CHANGES = (('delete_delay = "10s"', f'delete_delay = "600s"; handover = {{ buffer = {BOUND}; hold = "60s"; }}'),)
GATEWAY_CHANGES = (("mag = {", 'mag = {\n\thandover = { buffer = 1024; hold = "60s"; };'),)


@pytest.fixture(scope="module")
def gateways(lab, build, anchor):
    started = {link: AccessGateway(lab, build, link) for link in LINKS[:2]}
    for gateway in started.values():
        gateway.control.reconfigure(*GATEWAY_CHANGES)
        gateway.start()
    yield started
    for gateway in started.values():
        stop(gateway)


class Sender(threading.Thread):
    """Sends numbered packets to a host at a steady rate, until it is stopped, but never has more under
    way than may wait; numbers from 1 on."""

    def __init__(self, lab, address, receiver):
        super().__init__(daemon=True)
        self.socket, self.address = lab.cn.socket(socket.AF_INET6, socket.SOCK_DGRAM), address
        self.receiver = receiver
        self.sent, self.stopped = 0, threading.Event()

    def send(self):
        self.socket.sendto(struct.pack("!I", self.sent + 1), (self.address, PORT))
        self.sent += 1

    def run(self):
        while not self.stopped.wait(PACE_S):
            if self.sent - len(self.receiver.numbers) < BOUND:
                self.send()

    def stop(self):
        self.stopped.set()
        self.join()
        self.socket.close()


class Receiver(threading.Thread):
    """What the host gets of them, in the order in which it does."""

    def __init__(self, lab):
        super().__init__(daemon=True)
        self.socket, self.numbers = lab.mn.socket(socket.AF_INET6, socket.SOCK_DGRAM), []
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22)
        self.socket.bind(("::", PORT))
        self.socket.settimeout(0.1)
        self.closed = threading.Event()
        self.start()

    def run(self):
        while not self.closed.is_set():
            with contextlib.suppress(TimeoutError):
                self.numbers.append(struct.unpack("!I", self.socket.recv(4))[0])

    def close(self):
        self.closed.set()
        self.join()
        self.socket.close()


@pytest.fixture
def away(lab, anchor, gateways):
    """A host that has left link 1 with its address, of which the anchor knows, and what it gets."""
    for part in (anchor, *gateways.values()):
        part.require()
    address = arrive(lab, gateways, "1")
    receiver = Receiver(lab)
    lab.plug(None)
    gateways["1"].control.ctl("mag", "detach", MN_ID[1], check=False)  # it may have been given up
    wait_for(lambda: [s["state"] for s in anchor.sessions("--mn-id", MN_ID[1])] == ["ending"],
             "the anchor to know that the host has left")
    yield address, receiver
    receiver.close()
    lab.plug(None)
    lab.mn.ip("address flush dev wlan0 scope global")
    gateways["2"].control.ctl("mag", "detach", MN_ID[1], check=False)


def counted(part, before=None):
    counters = part.control.drops()
    return {name: value - (before or {}).get(name, 0) for name, value in counters.items()}


def test_nothing_is_lost_in_between(lab, anchor, gateways, away):
    address, receiver = away
    before, sender = counted(anchor), Sender(lab, address, receiver)
    for _ in range(BOUND // 3):
        sender.send()
    wait_for(lambda: counted(anchor, before)["held"] == sender.sent, "the anchor to hold what was sent")
    assert receiver.numbers == []
    sender.start()
    assert arrive(lab, gateways, "2") == address
    wait_for(lambda: len(receiver.numbers) > BOUND // 3 + 10, "packets to go on")
    sender.stop()
    wait_for(lambda: len(receiver.numbers) >= sender.sent, "the last packets")
    assert receiver.numbers == list(range(1, sender.sent + 1))
    waited = counted(anchor, before)
    assert waited["released"] == waited["held"] >= BOUND // 3
    assert not any(value for name, value in waited.items() if name.startswith("hold_"))


def test_no_more_than_the_bound(lab, anchor, gateways, away):
    address, receiver = away
    before, sender = counted(anchor), Sender(lab, address, receiver)
    for _ in range(BOUND + 50):
        sender.send()
    sender.stopped.set()
    wait_for(lambda: [counted(anchor, before)[name] for name in ("held", "hold_full")] == [BOUND, 50],
             "the anchor to drop what is too much")
    assert arrive(lab, gateways, "2") == address
    wait_for(lambda: len(receiver.numbers) >= BOUND, "what has waited")
    last = sender.sent + 1
    with lab.cn.socket(socket.AF_INET6, socket.SOCK_DGRAM) as later:
        later.sendto(struct.pack("!I", last), (address, PORT))
    wait_for(lambda: last in receiver.numbers, "a packet that did not wait")
    assert receiver.numbers == [*range(1, BOUND + 1), last]


def test_what_waits_in_vain(lab, anchor, gateways, away):
    address, receiver = away
    before, sender = counted(anchor), Sender(lab, address, receiver)
    for _ in range(10):
        sender.send()
    wait_for(lambda: counted(anchor, before)["held"] == 10, "the anchor to hold what was sent")
    anchor.control.ctl("session", "clear", address)
    wait_for(lambda: counted(anchor, before)["hold_gone"] == 10, "the anchor to drop it")
    sender.stopped.set()
    assert receiver.numbers == []


def test_without_it_all_is_lost(lab, anchor, gateways, away):
    address, receiver = away
    stop(anchor)
    anchor.control.reconfigure((f"buffer = {BOUND}", "buffer = 0"))
    anchor.start()
    before, sender = counted(anchor), Sender(lab, address, receiver)
    for _ in range(10):
        sender.send()
    wait_for(lambda: counted(anchor, before)["icmp6_errors"] >= 10, "the anchor to refuse what was sent")
    assert counted(anchor, before)["held"] == 0
    assert arrive(lab, gateways, "2") == address
    wait_for(lambda: sender.send() or receiver.numbers, "a packet to arrive")
    sender.stopped.set()
    assert receiver.numbers[0] > 10
