"""What monitoring is told: dmmctl stats for people, as JSON, and as OpenMetrics text that another
implementation reads."""

import pytest
from prometheus_client.openmetrics import parser

from lab import ledger
from lab.system import wait_for
from lab.topology import Lab
from pktgen import Rig

NODES = 20


@pytest.fixture(scope="module")
def rig(build, tmp_path_factory):
    with Lab("metrics", tmp_path_factory.mktemp("metrics")) as network:
        ledger.reserve_hugepages(network.ledger, 128)
        made = Rig(network, build)
        made.start()
        made.register(made.import_subscribers(NODES))
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
