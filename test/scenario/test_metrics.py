"""What operators are told: dmmctl stats for people, as JSON, and as OpenMetrics text that another
implementation reads; what becomes of the messages of one subscriber."""

import json
import signal
import subprocess

import pytest
from prometheus_client.openmetrics import parser

import mip6
from lab import ledger, programs
from lab.system import LabError, wait_for
from lab.topology import Lab
from pktgen import HOME_AGENT, Rig, care_of

NODES = 20


@pytest.fixture(scope="module")
def rig(build, tmp_path_factory):
    with Lab("metrics", tmp_path_factory.mktemp("metrics")) as network:
        ledger.reserve_hugepages(network.ledger, 128)
        made = Rig(network, build)
        made.start()
        made.subscribers = made.import_subscribers(NODES)
        made.register(made.subscribers)
        yield made
        for process in (made.data_plane.process, made.control.process):
            assert process.stop() == 0, process.output()[-3000:]


def families(rig):
    text = rig.control.ctl("stats", "--openmetrics")
    assert text.endswith("# EOF\n")
    return {family.name: family for family in parser.text_string_to_metric_families(text)}


def test_control_tells_rates_times_and_what_there_is(rig):
    control = rig.control.ask("stats")["control"]
    assert control["now"]["bindings"] == control["now"]["subscribers"] == NODES
    assert control["now"]["changes_under_way"] == control["now"]["waiting_known"] == 0
    times = {time["name"]: time for time in control["times"]}
    assert times["answer"]["count"] == NODES
    assert 0 < times["answer"]["p50_us"] <= times["answer"]["p99_us"] <= times["answer"]["max_us"]
    assert times["store_commit"]["count"] == control["counters"]["commit_transactions"]
    assert times["data_plane_ack"]["count"] == NODES
    for time in times.values():
        counts = [bucket["count"] for bucket in time["buckets"]]
        assert counts == sorted(counts) and counts[-1] <= time["count"]
    wait_for(lambda: rig.control.ask("stats")["control"]["rates"]["registered"]["s60"] > 0, "a rate")


def test_people_see_them(rig):
    text = rig.control.ctl("stats")
    for word in ("registered", "store_commit", "P99", "bindings", "Data plane dp1"):
        assert word in text, text


def test_openmetrics_is_read_by_another_implementation(rig):
    found = families(rig)
    assert found["dmm_control_registered"].type == "counter"
    assert [sample.value for sample in found["dmm_control_registered"].samples] == [NODES]
    assert [sample.value for sample in found["dmm_control_now_bindings"].samples] == [NODES]
    answer = found["dmm_control_answer_seconds"]
    assert (answer.type, answer.unit) == ("histogram", "seconds")
    assert [s.value for s in answer.samples if s.name.endswith("_count")] == [NODES]
    assert [s.value for s in answer.samples if s.labels.get("le") == "+Inf"] == [NODES]
    [up] = found["dmm_data_plane_up"].samples
    assert up.labels == {"data_plane": "dp1"} and up.value == 1
    octets = {s.labels["port"]: s.value for s in found["dmm_data_plane_port_rx_bytes"].samples}
    assert octets["access"] > 0 and found["dmm_data_plane_port_rx_bytes"].unit == "bytes"
    entries = {s.labels["table"]: s.value for s in found["dmm_data_plane_table_entries"].samples}
    assert NODES in entries.values()
    assert any(s.labels["reason"] for s in found["dmm_data_plane_drops"].samples)


def test_a_counter_that_rises_rises_there(rig):
    before = families(rig)["dmm_control_punted"].samples[0].value
    rig.run("signalling", "--subscribers", NODES, "--mix", "register,refresh", "--rate", 50, "--seconds", 1)
    assert families(rig)["dmm_control_punted"].samples[0].value >= before + NODES


def send(rig, values, number=0):
    """A Binding Update of a subscriber from the care-of address of that number."""
    head = bytes.fromhex((rig.gw.mac("access") + rig.gen.mac("access")).replace(":", ""))
    packet = mip6.binding_update(values["home_addresses"][0], care_of(number), HOME_AGENT, mn_id=values["mn_id"],
                                 spi=values["spi"], key=bytes.fromhex(values["key"]))
    with rig.gen.packet_socket("access") as sock:
        sock.send(head + b"\x86\xdd" + packet)


@pytest.fixture
def tracing(rig):
    """tracing(MN-ID, WORD...): a running dmmctl trace, and its lines so far as JSON."""
    begun = []

    def begin(mn_id, *words):
        process = rig.gw.start(f"trace-{len(begun)}", programs.program(rig.build, "dmmctl"), "--json", "trace",
                               *words, mn_id)
        begun.append(process)
        return process, lambda: [json.loads(line) for line in process.output().split("\n")[:-1]]
    yield begin
    for process in begun:
        process.send(signal.SIGKILL)
        process.wait()


def test_trace_shows_what_becomes_of_the_messages_of_a_node(rig, tracing):
    node = rig.subscribers[0]
    path = rig.gw.directory / "node.pcapng"
    process, items = tracing(node["mn_id"], "--write", path)
    wait_for(lambda: process.require() or send(rig, node) or items(), "a trace", pause=0.2)
    send(rig, rig.subscribers[1], 1)
    send(rig, node | {"key": "00" * 16})
    send(rig, node | {"spi": 999})
    wait_for(lambda: len([item for item in items() if item["outcome"] == "drop_bu_spi"]) == 1, "all of it")
    seen = [(item["kind"], item["what"], item["outcome"]) for item in items()]
    assert {item["home_address"] for item in items()} == {node["home_addresses"][0]}
    assert ("received", "binding-update", "taken") in seen
    assert ("event", "refreshed", None) in seen
    assert seen.index(("received", "binding-update", "taken")) < seen.index(("event", "refreshed", None))
    assert ("received", "binding-update", "drop_bu_spi") in seen
    refused = [outcome for kind, _, outcome in seen if kind == "sent"]
    assert len(set(refused)) == 2  # accepted, and a wrong authenticator

    told = subprocess.run(["tshark", "-r", path, "-T", "fields", "-e", "ipv6.src", "-e", "mip6.mhtype", "-e",
                           "frame.comment"], capture_output=True, text=True, check=True).stdout.splitlines()
    packets = [item for item in items() if item["packet"]]
    assert len(told) == len(packets) > 4
    for line, item in zip(told, packets):
        source, kind, comment = line.split("\t")
        assert source == (HOME_AGENT if item["kind"] == "sent" else care_of(0))
        assert kind == ("6" if item["kind"] == "sent" else "5")
        assert comment == f"{item['kind']} {item['what']}: {item['outcome']}"


def test_trace_of_nobody_is_refused(rig):
    with pytest.raises(LabError, match="there is no subscriber"):
        rig.control.ctl("trace", "nobody@example.net")
