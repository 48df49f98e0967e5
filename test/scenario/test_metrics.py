"""What operators are told: dmmctl stats for people, as JSON, and as OpenMetrics text that another
implementation reads; what becomes of the messages of one subscriber."""

import json
import signal
import subprocess

import pytest
from prometheus_client.openmetrics import parser

import crowd
import mip6
from lab import ledger, programs
from lab.system import LabError, wait_for
from lab.topology import Lab
from pktgen import GENERATOR, HOME_AGENT, Rig, care_of

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
    """What is told when the data plane has answered in time."""
    def told():
        text = rig.control.ctl("stats", "--openmetrics")
        assert text.endswith("# EOF\n")
        found = {family.name: family for family in parser.text_string_to_metric_families(text)}
        return found["dmm_data_plane_up"].samples[0].value == 1 and found
    return wait_for(told, "the data plane to tell its part")


def test_control_tells_rates_times_and_what_there_is(rig):
    def settled():
        control = rig.control.ask("stats")["control"]
        return control["now"]["changes_under_way"] == 0 and control
    control = wait_for(settled, "nothing to be under way")
    assert control["now"]["bindings"] == control["now"]["subscribers"] == NODES
    assert control["now"]["waiting_known"] == 0
    times = {time["name"]: time for time in control["times"]}
    # Nodes that were not answered soon have asked again.
    accepted = sum(control["counters"][name] for name in ("registered", "refreshed"))
    assert times["answer"]["count"] == accepted >= control["counters"]["registered"] == NODES
    assert 0 < times["answer"]["p50_us"] <= times["answer"]["p99_us"] <= times["answer"]["max_us"]
    assert times["store_commit"]["count"] == control["counters"]["commit_transactions"]
    assert NODES <= times["data_plane_ack"]["count"] <= accepted
    for time in times.values():
        counts = [bucket["count"] for bucket in time["buckets"]]
        assert counts == sorted(counts) and counts[-1] <= time["count"]
    wait_for(lambda: rig.control.ask("stats")["control"]["rates"]["registered"]["s60"] > 0, "a rate")


def test_people_see_them(rig):
    def missing():
        text = rig.control.ctl("stats")
        return [word for word in ("registered", "store_commit", "P99", "bindings", "Data plane dp1")
                if word not in text]
    wait_for(lambda: not missing(), "all of it, also of a data plane that was too slow to answer at once")


def test_openmetrics_is_read_by_another_implementation(rig):
    found = families(rig)
    assert found["dmm_control_registered"].type == "counter"
    assert [sample.value for sample in found["dmm_control_registered"].samples] == [NODES]
    assert [sample.value for sample in found["dmm_control_now_bindings"].samples] == [NODES]
    answer = found["dmm_control_answer_seconds"]
    assert (answer.type, answer.unit) == ("histogram", "seconds")
    accepted = sum(found[f"dmm_control_{name}"].samples[0].value for name in ("registered", "refreshed"))
    assert [s.value for s in answer.samples if s.name.endswith("_count")] == [accepted]
    assert [s.value for s in answer.samples if s.labels.get("le") == "+Inf"] == [accepted]
    [up] = found["dmm_data_plane_up"].samples
    assert up.labels == {"data_plane": "dp1"} and up.value == 1
    octets = {s.labels["port"]: s.value for s in found["dmm_data_plane_port_rx_bytes"].samples}
    assert octets["access"] > 0 and found["dmm_data_plane_port_rx_bytes"].unit == "bytes"
    assert [name for name, family in found.items() if not family.documentation] == []
    entries = {s.labels["table"]: s.value for s in found["dmm_data_plane_table_entries"].samples}
    assert NODES in entries.values()
    assert any(s.labels["reason"] for s in found["dmm_data_plane_drops"].samples)


def test_a_counter_that_rises_rises_there(rig):
    before = families(rig)["dmm_control_punted"].samples[0].value


    def risen():
        # On a slow machine it sends less than it is to.
        rig.run("signalling", "--subscribers", NODES, "--mix", "register,refresh", "--rate", 50, "--seconds", 1)
        return families(rig)["dmm_control_punted"].samples[0].value >= before + NODES
    wait_for(risen, "the counter to rise")


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
    wanted = [("received", "binding-update", "taken"), ("event", "refreshed", None),
              ("received", "binding-update", "drop_bu_spi")]

    def complete():
        """An update is answered when it is in the store and in the data plane: perhaps after others."""
        seen = [(item["kind"], item["what"], item["outcome"]) for item in items()]
        answers = {outcome for kind, _, outcome in seen if kind == "sent"}
        # Accepted, and a wrong authenticator.
        return set(wanted) <= set(seen) and len(answers) == 2 and seen
    seen = wait_for(complete, "all of it")
    assert {item["home_address"] for item in items()} == {node["home_addresses"][0]}
    assert seen.index(wanted[0]) < seen.index(wanted[1])
    assert seen.count(wanted[2]) == 1

    told = subprocess.run(["tshark", "-r", path, "-T", "fields", "-e", "ipv6.src", "-e", "mip6.mhtype", "-e",
                           "frame.comment"], capture_output=True, text=True, check=True).stdout.splitlines()
    # Each is written there before it is shown.
    packets = wait_for(lambda: len(shown := [item for item in items() if item["packet"]]) >= len(told) and shown,
                       "all of them to be shown")
    assert len(told) > 4
    for line, item in zip(told, packets):
        source, kind, comment = line.split("\t")
        assert source == (HOME_AGENT if item["kind"] == "sent" else care_of(0))
        assert kind == ("6" if item["kind"] == "sent" else "5")
        assert comment == f"{item['kind']} {item['what']}: {item['outcome']}"


def udp(rig, side, source, destination, care_of=None):
    """A packet between a node and its correspondent, into the gateway's port on that side; from a
    care-of address in a tunnel."""
    packet = crowd.udp(crowd.pack(source), crowd.pack(destination), b"traced..")
    if care_of:
        packet = crowd.ipv6(crowd.pack(care_of), crowd.pack(HOME_AGENT), 41, packet)
    head = bytes.fromhex((rig.gw.mac(side) + rig.gen.mac(side)).replace(":", ""))
    with rig.gen.packet_socket(side) as sock:
        sock.send(head + b"\x86\xdd" + packet)


def test_trace_shows_what_becomes_of_the_packets_of_a_node(rig, tracing):
    node, correspondent = rig.subscribers[2], "2001:db8:c::7"
    address = node["home_addresses"][0]
    path = rig.gw.directory / "packets.pcapng"
    process, items = tracing(node["mn_id"], "--write", path)

    def packets():
        return [item for item in items() if item["kind"] == "packet"]
    rig.gw.ip(f"neighbour replace {GENERATOR['access']} lladdr {rig.gen.mac('access')} dev access nud permanent",
              f"neighbour replace {GENERATOR['core']} lladdr {rig.gen.mac('core')} dev core nud permanent")
    wait_for(lambda: process.require() or udp(rig, "core", correspondent, address)
             or any(item["what"] == "sent" for item in packets()), "a packet to be seen", pause=0.2)
    udp(rig, "core", correspondent, rig.subscribers[3]["home_addresses"][0])
    udp(rig, "access", address, correspondent, care_of(2))
    udp(rig, "access", address, correspondent, care_of(4))  # where it is not
    wait_for(lambda: any(item["what"] == "dropped" for item in packets()), "all of it")
    # The first one may have been sent several times, and the last of these come late.
    down, up, dropped = (next(item for item in packets() if (item["what"], item["from"]) == kind)
                         for kind in (("sent", "core"), ("sent", "access"), ("dropped", "access")))
    for item in (down, up, dropped):
        assert item["home_address"] == address and item["data_plane"] == "dp1" and item["missed"] == 0
    assert [down[key] for key in ("what", "outcome", "from", "by", "to")] == \
        ["sent", None, "core", "access", care_of(2)]
    assert [up[key] for key in ("what", "outcome", "from", "by", "to")] == \
        ["sent", None, "access", "core", correspondent]
    assert [dropped[key] for key in ("outcome", "from", "by", "to")] == ["wrong_care_of", "access", None, None]

    told = subprocess.run(["tshark", "-r", path, "-Y", "udp", "-T", "fields", "-e", "ipv6.src", "-e", "frame.comment"],
                          capture_output=True, text=True, check=True).stdout.splitlines()
    assert sorted(set(told)) == sorted([
        f"{correspondent}\tpacket sent: -", f"{care_of(2)},{address}\tpacket sent: -",
        f"{care_of(4)},{address}\tpacket dropped: wrong_care_of"])


def test_trace_shows_a_revocation(rig, tracing):
    node = rig.subscribers[2]
    process, items = tracing(node["mn_id"])
    home = node["home_addresses"][0]
    wait_for(lambda: process.require() or send(rig, node) or items(), "a trace", pause=0.2)
    wait_for(lambda: rig.control.binding(home)["care_of_address"] == care_of(0), "the node to be there")
    rig.control.ctl("binding", "clear", home)
    sent = wait_for(lambda: [item for item in items() if item["what"] == "binding-revocation-indication"],
                    "the revocation")[0]
    assert (sent["kind"], sent["outcome"], sent["care_of_address"]) == ("sent", None, care_of(0))
    wait_for(lambda: ("event", "cleared") in [(item["kind"], item["what"]) for item in items()],
             "the end of the binding")
    wait_for(lambda: send(rig, node) or [item for item in items() if item["what"] == "registered"],
             "it to be back", pause=0.2)


def test_trace_of_nobody_is_refused(rig):
    with pytest.raises(LabError, match="there is no subscriber"):
        rig.control.ctl("trace", "nobody@example.net")
