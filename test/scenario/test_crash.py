"""Nodes by the thousand register, refresh, move and deregister while control and data planes are
killed or stopped at random instants. What was acknowledged is there afterwards, and nothing else."""

import json
import os
import random
import signal
import socket
import threading
import time

import pytest

import crowd
from generator import Generator
from lab.system import wait_for
from lab.topology import CN
from lab.two_planes import TwoPlaneLab, TwoPlanes
from peer import Peer, inner_of
from rig import end, network

KILL, STOP = signal.SIGKILL, signal.SIGSTOP
# One of each kind first, so that a few rounds have them; then at random.
DEATHS = [{"ctrl": KILL}, {"dp2": STOP}, {"ctrl": STOP}, {"dp1": KILL},
          {"ctrl": KILL, "dp1": STOP, "dp2": KILL}]
PROBES = 200  # nodes that are sent a packet after each death


@pytest.fixture(scope="module")
def lab(build, tmp_path_factory, request):
    with network(TwoPlaneLab, request, tmp_path_factory, 240) as made:
        made.radio("mn2")
        yield made


@pytest.fixture(scope="module")
def gateway(lab, build):
    started = TwoPlanes(lab, build)
    # Without the second that each first registration takes for its address.
    started.control.reconfigure(("\nserving = ", "\nbinding = { dad_transmits = 0; max_lifetime = \"10h\"; };\nserving = "))
    started.start()
    yield started
    end(*started.planes.values(), started.control)


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
    yield lambda octets, destination: raw.sendto(octets, (destination, 0))
    raw.close()


@pytest.fixture
def crowd_of(control):
    """crowd_of(NAME, COUNT): that many subscribers, made at once."""
    def make(name, count):
        number = int(name, 16)
        values = [{"mn_id": f"{name}-{n:05}@example.net",
                   "home_addresses": [f"2001:db8:100::{name}:{n:x}"],
                   "spi": 0x1000000 * number + n, "key": f"{random.getrandbits(128):032x}"}
                  for n in range(1, count + 1)]
        path = control.node.directory / "crowd.jsonl"
        path.write_text("".join(json.dumps(value) + "\n" for value in values))
        control.ctl("subscriber", "import", path)
        return values
    return make


def arrivals(generator, correspondent, nodes, payload):
    """Sends one packet to each node; returns a function that tells which have not come to where the
    node said it is."""
    marks = {link: peer.ear.mark() for link, peer in generator.peers.items()}
    for node in nodes:
        correspondent(crowd.udp(crowd.pack(CN), node.member.home, payload), node.home)
        time.sleep(0.001)

    def missing():
        there = set()
        for link, peer in generator.peers.items():
            for octets in peer.ear.heard(lambda heard: heard.endswith(payload), marks[link]):
                there.add((inner_of(octets).dst, socket.inet_ntop(socket.AF_INET6, octets[24:40])))
        return {(node.home, node.state[0]) for node in nodes} - there
    return missing


def all_arrive(generator, correspondent, payload):
    """Packets to nodes that are bound for certain arrive, each of them."""
    nodes = generator.settled()
    if len(nodes) > PROBES:
        nodes = generator.random.sample(nodes, PROBES)
    missing = arrivals(generator, correspondent, nodes, payload)
    wait_for(lambda: not missing(), f"a packet at each of {len(nodes)} nodes")
    return len(nodes)


def packets_flow(generator, correspondent):
    """Waits until each link is reached again: next hops have to be found anew."""
    for link in generator.peers:
        node = next((n for n in generator.settled() if n.wish == link), None)
        if node:
            wait_for(lambda: not arrivals(generator, correspondent, [node], b"flowing?")(),
                     f"packets to flow to link {link}", pause=0.1)


def die(parts, deaths, after):
    """Kills or stops at an instant that what is written or sent does not know of."""
    def strike():
        for name, how in deaths.items():
            parts[name].process.send(how)
    timer = threading.Timer(after, strike)
    timer.start()
    return timer


def revive(parts, deaths):
    for name, how in deaths.items():
        if how == STOP:
            parts[name].process.send(signal.SIGCONT)
        else:
            parts[name].process.wait()
            parts[name].start()


def round_of_death(gateway, generator, correspondent, deaths, number):
    """Plays, kills, plays on, restarts, and compares. Returns how many updates were under way."""
    parts = {"ctrl": gateway.control} | gateway.planes
    chance = generator.random
    before, dead = chance.uniform(0.05, 1.0), chance.uniform(0.05, 1.5)
    timer = die(parts, deaths, before)
    generator.run(before + dead)
    timer.join()
    under_way = len(generator.asking)
    if set(deaths) == {"ctrl"}:
        assert all_arrive(generator, correspondent, b"headless %05d" % number) > 0
    revive(parts, deaths)
    wait_for(gateway.synchronised, "everything to be synchronised", 60)
    assert not generator.wrong(gateway.control.bindings())

    # Those that were not answered ask again, and are.
    assert generator.finish(), f"{len(generator.asking)} nodes are not answered"
    assert not generator.wrong(gateway.control.bindings())
    packets_flow(generator, correspondent)
    all_arrive(generator, correspondent, b"restarted%05d" % number)
    wait_for(lambda: {item["result"] for item in gateway.control.ask("dp", "audit")["data_planes"]}
             == {"equal"}, "the tables to be as they should")
    return under_way


def deaths_at_random(chance):
    victims = chance.choice([["ctrl"], ["dp1"], ["dp2"], ["ctrl", "dp1"], ["ctrl", "dp2"],
                             ["ctrl", "dp1", "dp2"]])
    return {name: chance.choice([KILL, KILL, STOP]) for name in victims}


@pytest.mark.parametrize("rounds, count", [(5, 300), pytest.param(100, 3000, marks=pytest.mark.long)])
def test_nothing_acknowledged_is_lost_and_nothing_invented(gateway, control, peers, crowd_of,
                                                           correspondent, record_property, rounds,
                                                           count):
    seed = int(os.environ.get("DMM_SEED", time.time_ns() % 1_000_000_000))
    print(f"DMM_SEED={seed}")
    chance = random.Random(seed)
    generator = Generator(chance, peers, crowd_of(f"{rounds:x}", count))
    interrupted = 0
    for number in range(rounds):
        deaths = DEATHS[number] if number < len(DEATHS) else deaths_at_random(chance)
        print(f"round {number}: {deaths}, {generator.answers} updates so far")
        interrupted += round_of_death(gateway, generator, correspondent, deaths, number) > 0
    record_property("updates", generator.answers)
    record_property("rounds_with_updates_under_way", interrupted)
    assert interrupted > rounds / 2, "programs died while nothing was being done"
    assert generator.leave()
    assert control.bindings() == []
