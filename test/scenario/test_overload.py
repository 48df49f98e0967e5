"""More signalling than dmm-ctrl takes: bound nodes are served, the rest is shed and counted, and nothing
that was acknowledged is lost."""

import json
import signal
import struct
import threading
import time

import pytest

import mip6
from lab import ledger
from lab.system import wait_for
from lab.topology import Lab
from pktgen import HOME_AGENT, Rig, care_of, home

NODES, STRANGERS = 100, 300
TOTAL, SOURCE = 400, 60  # packets a second that control takes, of all and of one source
TIMES = 10


@pytest.fixture(scope="module")
def rig(build, tmp_path_factory):
    with Lab("overload", tmp_path_factory.mktemp("overload")) as network:
        ledger.reserve_hugepages(network.ledger, 128)
        made = Rig(network, build)
        path = network.directory / "ctrl.cfg"
        path.write_text(path.read_text() + f"\noverload = {{ total_rate = {TOTAL}; source_rate = {SOURCE}; }};\n")
        made.start()
        made.strangers = made.import_subscribers(NODES + STRANGERS)[NODES:]
        yield made
        for process in (made.data_plane.process, made.control.process):
            assert process.stop() == 0, process.output()[-3000:]


class Flood(threading.Thread):
    """Binding Updates at a rate, in turns those of a list, until it is left."""

    def __init__(self, rig, packets, rate):
        super().__init__(daemon=True)
        head = bytes.fromhex((rig.gw.mac("access") + rig.gen.mac("access")).replace(":", ""))
        self.frames = [head + struct.pack("!H", 0x86DD) + packet for packet in packets]
        self.rate, self.sent, self.over = rate, 0, False
        self.socket = rig.gen.packet_socket("access")

    def run(self):
        begun = time.monotonic()
        while not self.over:
            if self.sent < (time.monotonic() - begun) * self.rate:
                self.socket.send(self.frames[self.sent % len(self.frames)])
                self.sent += 1
            else:
                time.sleep(0.001)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over = True
        self.join()
        self.socket.close()


def updates(strangers, source=None, key=None):
    """One update of each, authenticated with a key that is not theirs."""
    return [mip6.binding_update(values["home_addresses"][0], source or care_of(NODES + number), HOME_AGENT,
                                mn_id=values["mn_id"], spi=values["spi"], key=key or bytes(16))
            for number, values in enumerate(strangers)]


def overload(rig):
    return rig.control.ask("status")["overload"]


def second(process, number):
    """Whether the generator has printed the row of this second."""
    process.require()
    return f"\n{number:6} " in process.output()


def begin(rig, seconds, *words):
    path = rig.lab.directory / "bindings.jsonl"
    process = rig.begin("signalling", "--subscribers", NODES, "--seconds", seconds, "--bindings", path, *words,
                        config=rig.config(timeout='"500ms"', tries=4))
    wait_for(lambda: second(process, 1), "the nodes to be at work", 60)
    return process, path


def finish(process, path):
    """Figures by operation, and what the generator knows for sure."""
    assert process.wait(120) == 0, process.output()[-3000:]
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    known = {line["home_address"]: line["care_of_address"] for line in lines if line["sure"]}
    return json.loads(process.json.read_text())["result"]["operations"], known


def bound(rig):
    return {b["home_address"]: b["care_of_address"] for b in rig.control.bindings()}


def test_bound_nodes_are_served_in_a_storm(rig):
    """Ten times of what control takes, wrongly signed first registrations."""
    assert overload(rig)["shed"] == 0
    process, path = begin(rig, 5, "--rate", 200, "--mix", "register:8,refresh:2")
    with Flood(rig, updates(rig.strangers), TIMES * TOTAL):
        wait_for(lambda: overload(rig)["shed"] > 0, "control to shed")
        operations, _ = finish(process, path)
    refresh = operations["refresh"]
    assert refresh["asked"] > 100
    assert refresh["accepted"] >= 0.95 * refresh["asked"]
    told = overload(rig)
    assert told["shed"] == sum(told["reasons"].values()) > 0
    assert told["reasons"]["shed_known"] == told["reasons"]["shed_source"] == 0
    assert told["last_shed"]
    assert set(told["waiting"]) == {"link", "known", "end", "new", "rest"}
    assert "Packets shed:" in rig.control.ctl("status")
    assert len(rig.control.bindings()) == NODES


def test_all_is_served_again_afterwards(rig):
    wait_for(lambda: sum(overload(rig)["waiting"].values()) == 0, "the queues to be empty")
    process, path = begin(rig, 2, "--rate", 100, "--mix", "register,refresh,move,deregister")
    operations, known = finish(process, path)
    for operation in operations.values():
        assert operation["lost"] == 0
        assert operation["accepted"] + sum(operation["rejected"].values()) == operation["asked"]
    assert {address: bound(rig).get(address) for address in known} == known


def test_one_source_is_held_back(rig):
    before = overload(rig)["reasons"]["shed_source"]
    packets = updates(rig.strangers, source=care_of(NODES))
    with Flood(rig, packets, TIMES * SOURCE):
        wait_for(lambda: overload(rig)["reasons"]["shed_source"] > before, "a source to be held back")
        process, path = begin(rig, 2, "--rate", 50, "--mix", "register,refresh")
        operations, _ = finish(process, path)
    assert all(operation["lost"] == 0 for operation in operations.values())


def test_control_killed_in_a_storm_loses_nothing(rig):
    process, path = begin(rig, 4, "--rate", 100, "--mix", "register:2,refresh,move:2,deregister")
    with Flood(rig, updates(rig.strangers), TIMES * TOTAL):
        rig.control.process.send(signal.SIGKILL)
        rig.control.process.wait()
        rig.control.start()
        wait_for(rig.synchronised, "the data plane to be synchronised", 60)
        _, known = finish(process, path)
    assert len(known) > NODES / 2
    found = bound(rig)
    assert {address: found.get(address) for address in known} == known
    assert set(found) <= {home(node) for node in range(NODES)}


def test_a_data_plane_dies_while_control_hangs(rig):
    """All queues between the two are full by then; what waits in them does no harm to who reads it."""
    with Flood(rig, updates(rig.strangers), TIMES * TOTAL) as flood:
        rig.control.process.send(signal.SIGSTOP)
        wait_for(lambda: flood.sent > 2 * TIMES * TOTAL, "two seconds of the storm")
        rig.data_plane.process.send(signal.SIGKILL)
        rig.data_plane.process.wait()
        rig.control.process.send(signal.SIGCONT)
        rig.data_plane.start()
        wait_for(rig.synchronised, "the data plane to be synchronised", 60)
    wait_for(lambda: sum(overload(rig)["waiting"].values()) == 0, "the queues to be empty")
    process, path = begin(rig, 1, "--rate", 100, "--mix", "register,refresh")
    operations, known = finish(process, path)
    assert all(operation["lost"] == 0 for operation in operations.values())
    assert {address: bound(rig).get(address) for address in known} == known
