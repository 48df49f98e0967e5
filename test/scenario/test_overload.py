"""More signalling than dmm-ctrl takes: bound nodes are served, the rest is shed and counted, and nothing
that was acknowledged is lost."""

import json
import signal
import struct
import threading
import time

import pytest

import mip6
from lab import examples, ledger
from lab.system import wait_for
from lab.topology import Lab
from pktgen import HOME_AGENT, Rig, care_of, home

NODES, STRANGERS = 100, 300
TOTAL, SOURCE = 400, 60  # packets a second that control takes, of all and of one source
TIMES = 10
UNTIL_STOPPED = 600  # seconds, for the generator


@pytest.fixture(scope="module")
def rig(build, tmp_path_factory):
    with Lab("overload", tmp_path_factory.mktemp("overload")) as network:
        ledger.reserve_hugepages(network.ledger, 128)
        made = Rig(network, build)
        path = network.directory / "ctrl.cfg"
        text = path.read_text()
        assert examples.OVERLOAD in text
        path.write_text(text.replace(
            examples.OVERLOAD, f"overload = {{ total_rate = {TOTAL}; source_rate = {SOURCE}; }};\n"))
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


def accepted(process):
    """Operations, by the rows that the generator has printed."""
    process.require()
    rows = [line.split() for line in process.output().splitlines()]
    return sum(int(row[2]) for row in rows if row and row[0].isdigit())


def begin(rig, seconds, *words, **changes):
    """Updates are repeated until they are answered, unless the changes of the configuration are others."""
    path = rig.lab.directory / "bindings.jsonl"
    patient = {"timeout": '"500ms"', "tries": '100; timeout_max = "2s"', "outstanding": NODES // 10}
    process = rig.begin("signalling", "--subscribers", NODES, "--seconds", seconds, "--bindings", path, *words,
                        config=rig.config(**(patient | changes)))
    wait_for(lambda: accepted(process) > 0, "the nodes to be at work", 60)
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
    # Who took the nodes for strangers would lose two thirds of their updates.
    process, path = begin(rig, UNTIL_STOPPED, "--rate", 200, "--mix", "register:8,refresh:2",
                          timeout='"2s"', tries=4)
    wait_for(lambda: len(rig.control.bindings()) == NODES, "the nodes to be bound", 60)
    with Flood(rig, updates(rig.strangers), TIMES * TOTAL):
        wait_for(lambda: overload(rig)["shed"] > 0, "control to shed")
        before = accepted(process)
        wait_for(lambda: accepted(process) > before + 2 * NODES, "the nodes to be served", 120)
        process.send(signal.SIGTERM)
        operations, _ = finish(process, path)
    refresh = operations["refresh"]
    assert refresh["lost"] < refresh["accepted"] / 4
    told = overload(rig)
    assert told["shed"] == sum(told["reasons"].values()) > 0
    assert told["reasons"]["shed_known"] == 0
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
    process, path = begin(rig, UNTIL_STOPPED, "--rate", 300, "--mix", "register:2,refresh,move:2,deregister")
    wait_for(lambda: accepted(process) > 3 * NODES, "most nodes to be played", 120)
    before = overload(rig)["shed"]
    with Flood(rig, updates(rig.strangers), TIMES * TOTAL):
        wait_for(lambda: overload(rig)["shed"] > before, "control to shed")
        rig.control.process.send(signal.SIGKILL)
        rig.control.process.wait()
        rig.control.start()
        wait_for(rig.synchronised, "the data plane to be synchronised", 60)
        process.send(signal.SIGTERM)
        _, known = finish(process, path)
    # All that were played, but for the few that asked just then.
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
