"""Dozens of nodes register, refresh, move and deregister while control and data planes are killed or
stopped at random instants. What was acknowledged is there afterwards, and nothing else."""

import os
import random
import re
import signal
import socket
import time

import pytest
from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

from generator import Generator
from lab import ledger
from lab.system import wait_for
from lab.topology import CN
from lab.two_planes import TwoPlaneLab, TwoPlanes
from peer import Peer, inner_of

NODES = 48
VICTIMS = [("ctrl",), ("dp1",), ("dp2",), ("ctrl", "dp2"), ("ctrl", "dp1", "dp2")]


@pytest.fixture(scope="module")
def lab(build, tmp_path_factory, request):
    directory = tmp_path_factory.mktemp(request.module.__name__)
    with TwoPlaneLab("test", directory) as network:
        ledger.reserve_hugepages(network.ledger, 240)
        network.build()
        network.radio("mn2")
        yield network


@pytest.fixture(scope="module")
def gateway(lab, build):
    started = TwoPlanes(lab, build)
    # The example, but without the second that each first registration takes for its address.
    text, count = re.subn(r"\nserving = ", "\nbinding = { dad_transmits = 0; };\nserving = ",
                          started.control.config.read_text())
    assert count == 1
    started.control.config = lab.ctrl.directory / "ctrl.cfg"
    started.control.config.write_text(text)
    started.start()
    yield started
    for part in (*started.planes.values(), started.control):
        if part.process.running():
            status = part.process.stop()
            assert status == 0, f"{part.process.name} ended with {status}:\n{part.process.output()[-3000:]}"


@pytest.fixture
def peers(lab, gateway):
    made = {"a": Peer(lab), "b": Peer(lab, "mn2")}
    yield made
    for name, peer in zip(("mn", "mn2"), made.values()):
        lab.plug(None, name)
        peer.close()


@pytest.fixture
def correspondent(lab):
    raw = lab.cn.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
    yield lambda packet: raw.sendto(bytes(packet), (packet.dst, 0))
    raw.close()


def everything_arrives(generator, correspondent, payload):
    """One packet to each node that is bound for certain gets to where it said it is."""
    nodes = generator.settled()
    marks = {link: peer.ear.mark() for link, peer in generator.peers.items()}
    for node in nodes:
        correspondent(IPv6(src=CN, dst=node.home) / UDP(sport=7, dport=9) / Raw(payload))
        time.sleep(0.002)

    def arrived():
        there = set()
        for link, peer in generator.peers.items():
            for octets in peer.ear.heard(lambda heard: heard.endswith(payload) and inner_of(heard),
                                         marks[link]):
                there.add((inner_of(octets).dst, socket.inet_ntop(socket.AF_INET6, octets[24:40])))
        return there >= {(node.home, node.state[0]) for node in nodes}
    wait_for(arrived, f"a packet at each of {len(nodes)} nodes")


def crash(gateway, generator, correspondent, victims, number):
    """One round: plays, kills, plays, restarts, and compares."""
    parts = {"ctrl": gateway.control} | gateway.planes
    generator.run(generator.random.uniform(0.05, 1.0))
    for name in victims:
        parts[name].process.stop(signal.SIGKILL)
    generator.run(generator.random.uniform(0.05, 1.0))
    if victims == ("ctrl",):
        everything_arrives(generator, correspondent, b"headless %4d" % number)
    for name in victims:
        parts[name].start()
    wait_for(gateway.synchronised, "everything to be synchronised", 60)
    assert not generator.wrong(gateway.control.bindings())

    # Those that were not answered ask again, and are.
    generator.run(60, new=False)
    assert not generator.asking()
    assert not generator.wrong(gateway.control.bindings())
    everything_arrives(generator, correspondent, b"restarted %4d" % number)
    wait_for(lambda: {item["result"] for item in gateway.control.ask("dp", "audit")["data_planes"]}
             == {"equal"}, "the tables to be as they should")


@pytest.mark.parametrize("rounds", [5, pytest.param(100, marks=pytest.mark.long)])
def test_nothing_acknowledged_is_lost_and_nothing_invented(gateway, control, peers, subscriber,
                                                           correspondent, rounds):
    seed = int(os.environ.get("DMM_SEED", time.time_ns() % 1_000_000_000))
    print(f"DMM_SEED={seed}")
    chance = random.Random(seed)
    generator = Generator(chance, peers, [subscriber() for _ in range(NODES)])
    for number in range(rounds):
        # Each kind of death in turn, so that a few rounds have them all.
        crash(gateway, generator, correspondent, VICTIMS[number % len(VICTIMS)], number)
    for node in generator.nodes:
        node.wish = None
        generator.ask(node)
    generator.run(60, new=False)
    assert control.bindings() == []
