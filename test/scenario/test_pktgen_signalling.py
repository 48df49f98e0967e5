"""dmm-pktgen signalling against the real gateway: what the generator says was acknowledged is what the
home agent has."""

import json

import pytest

from lab import ledger, programs
from lab.system import wait_for
from lab.topology import Lab
from pktgen import EXAMPLE, Rig, care_of, home

NODES = 200


@pytest.fixture(scope="module")
def rig(build, tmp_path_factory):
    with Lab("pktsig", tmp_path_factory.mktemp("pktsig")) as network:
        ledger.reserve_hugepages(network.ledger, 128)
        made = Rig(network, build)
        made.start()
        made.import_subscribers(NODES)
        yield made
        for process in (made.data_plane.process, made.control.process):
            assert process.stop() == 0, process.output()[-3000:]


def signal(rig, *words, config=EXAMPLE):
    """Figures, and the generator's list as {home address: care-of address or None}."""
    path = rig.lab.directory / "bindings.jsonl"
    figures = rig.run("signalling", "--bindings", path, *words, config=config)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return figures["result"], {line["home_address"]: line["care_of_address"] for line in lines if line["sure"]}


def has(rig):
    return {b["home_address"]: b["care_of_address"] for b in rig.control.bindings()}


def test_registers_all_nodes(rig):
    """And ends when there is nobody left to register."""
    result, known = signal(rig, "--subscribers", NODES, "--mix", "register", "--rate", 500, "--seconds", 300)
    assert result["bound"] == result["operations"]["register"]["accepted"] == NODES
    assert known == {home(node): care_of(node) for node in range(NODES)} == has(rig)
    latency = result["operations"]["register"]["latency_us"]
    assert latency["count"] == NODES and 0 < latency["p50"] <= latency["p99"] <= latency["max"]
    assert sum(row["accepted"] for row in result["rows"]) == NODES
    assert result["messages"]["unauthenticated"] == result["messages"]["damaged"] == 0


def test_traffic_reaches_the_registered(rig):
    figures = rig.run("traffic", "--subscribers", NODES, "--rate", 2 * NODES, "--seconds", 1,
                      config=rig.config(settle='"3s"'))
    for stream in figures["result"]["streams"].values():
        assert stream["received"] == stream["sent"] > 0 and stream["astray"] == 0


def test_a_mix_of_everything(rig):
    """What the list says holds for all nodes that were played: bound there, or not at all."""
    result, known = signal(rig, "--subscribers", NODES, "--rate", 500, "--seconds", 2,
                           "--mix", "register:6,refresh:4,move:4,deregister:4")
    for operation in result["operations"].values():
        assert operation["accepted"] > 0
        assert operation["accepted"] + sum(operation["rejected"].values()) == operation["asked"]
    assert len(known) > NODES / 2
    found = has(rig)
    assert {address: found.get(address) for address in known} == known
    assert any(known[home(node)] == care_of(node, 1) for node in range(NODES) if home(node) in known)
    assert set(found) - set(known) <= {home(node) for node in range(NODES)}


def test_wrong_keys_do_nothing(rig):
    """Without the right key there is no binding, and no acknowledgement that could be believed."""
    config = rig.config(key_seed='"another secret"', tries=2, timeout='"100ms"')
    before = has(rig)
    result, known = signal(rig, "--subscribers", 20, "--rate", 100, "--mix", "register", "--seconds", 1,
                           config=config)
    operation = result["operations"]["register"]
    assert operation["accepted"] == 0 and operation["lost"] == operation["asked"] > 0
    assert operation["repeated"] > 0
    assert result["bound"] == 0 and not any(known.values())
    assert has(rig) == before


def repeated(process):
    """Updates sent again, by the rows that were printed."""
    rows = [line.split() for line in process.output().splitlines()]
    return sum(int(row[4]) for row in rows if row and row[0].isdigit())


def test_updates_are_repeated_until_answered(rig):
    process = rig.begin("signalling", "--subscribers", NODES, "--mix", "register", "--rate", 25,
                        "--seconds", 60)
    wait_for(lambda: process.require() or "\n     1 " in process.output(), "the first second", 60)
    rig.gen.ip("link set access down")
    wait_for(lambda: process.require() or repeated(process) > 0, "updates to be repeated", 60)
    rig.gen.ip("link set access up")
    assert process.wait(120) == 0, process.output()
    result = json.loads(process.json.read_text())["result"]
    assert result["bound"] == NODES
    assert result["operations"]["register"]["lost"] == 0
    assert has(rig) == {home(node): care_of(node) for node in range(NODES)}


def straight(rig, config, *words):
    """The generator beside dmm-ctrl, as its data plane; its exit code and output, and its figures."""
    figures = rig.lab.directory / "straight.json"
    process = rig.gw.start("straight", programs.program(rig.build, "dmm-pktgen"), "signalling", "--config", config,
                           "--data-plane", "dp1", "--json", figures, *words,
                           env={"XDG_RUNTIME_DIR": str(rig.gw.directory), "RUNTIME_DIRECTORY": ""})
    return process.wait(120), process.output(), figures


def test_straight_to_control(rig):
    """Without the data plane, which the generator plays: what was acknowledged is what there is then."""
    assert rig.data_plane.process.stop() == 0
    path = rig.lab.directory / "straight.jsonl"
    code, output, figures = straight(rig, rig.config(), "--subscribers", NODES, "--rate", 1000, "--seconds", 2,
                                     "--mix", "register:6,refresh:4,move:4,deregister:2", "--bindings", path)
    assert code == 0, output[-3000:]
    for operation in json.loads(figures.read_text())["result"]["operations"].values():
        assert operation["accepted"] + sum(operation["rejected"].values()) == operation["asked"] > 0
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    known = {line["home_address"]: line["care_of_address"] for line in lines if line["sure"]}
    found = has(rig)
    assert len(known) > NODES / 2
    assert {address: found.get(address) for address in known} == known
    rig.data_plane.start()
    wait_for(rig.synchronised, "the data plane to be synchronised")


def test_straight_to_another_host_is_refused(rig):
    config = rig.config()
    config.write_text(config.read_text().replace("# update = \"ipc:///run/dmm/update\"",
                                                 "update = \"tcp://[::1]:9\""))
    code, output, _ = straight(rig, config)
    assert code == 1
    assert "signalling.update and signalling.packet must be on this host" in output
