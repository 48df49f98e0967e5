"""dmm-pktgen against the real gateway: what it sends comes back the other way, and what does not is
counted."""

import json
import os
import signal
import socket

import pytest
from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6
from scapy.utils import PcapReader

from lab import ledger, programs
from lab.system import wait_for
from lab.topology import Lab
from pktgen import EXAMPLE, HOME_AGENT, Rig, care_of, home, replaced

NODES = 5
CORRESPONDENT = "2001:db8:c::2"
SHORT = ("--rate", 400, "--seconds", 1)  # all fit into the queue of an interface that nobody reads meanwhile
SETTLE = '"3s"'  # for what is still in such a queue then


@pytest.fixture(scope="module")
def rig(build, tmp_path_factory):
    with Lab("pktgen", tmp_path_factory.mktemp("pktgen")) as network:
        ledger.reserve_hugepages(network.ledger, 128)
        made = Rig(network, build)
        made.start()
        made.register(made.import_subscribers(NODES))
        yield made
        for process in (made.data_plane.process, made.control.process):
            assert process.stop() == 0, process.output()[-3000:]


def nothing_lost(figures, *streams):
    result = figures["result"]
    assert set(result["streams"]) == set(streams)
    for name in streams:
        stream = result["streams"][name]
        assert stream["sent"] > 0
        assert stream["received"] == stream["sent"]
        assert stream["octets_received"] == stream["octets_sent"]
        assert [stream[key] for key in ("lost", "unsent", "reordered", "duplicates", "astray")] == [0] * 5
        latency = stream["latency_us"]
        assert latency["count"] == stream["received"]
        assert 0 < latency["min"] <= latency["p50"] <= latency["p99"] <= latency["max"]
    return result


def test_all_comes_back(rig):
    """Each subscriber's packets in its own tunnel, and out of it; the rows add up to the whole."""
    figures = rig.run("traffic", "--subscribers", NODES, "--sizes", "64,700,1460", *SHORT,
                      config=rig.config(settle=SETTLE))
    result = nothing_lost(figures, "downlink", "uplink")
    assert result["others"]["damaged"] == result["others"]["icmp_errors"] == 0
    for key in ("sent", "received"):
        assert sum(row[key] for row in result["rows"]) == sum(
            stream[key] for stream in result["streams"].values())


@pytest.mark.parametrize("words", [("--distribution", "zipf"), ("--distribution", "elephant", "--sizes", "imix")])
def test_distributions(rig, words):
    nothing_lost(rig.run("traffic", "--subscribers", NODES, "--streams", "downlink", *words, *SHORT,
                         config=rig.config(settle=SETTLE)), "downlink")


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_a_core_each_to_send_and_to_receive(rig):
    """Solicitations that the receiver hears are answered by the sender: traffic goes on after the
    gateway has forgotten its neighbours, but for the packets that did not fit its queue meanwhile."""
    first, second = sorted(os.sched_getaffinity(0))[:2]
    config = rig.config()
    config.write_text(replaced(config.read_text(), "# cores = .*?;", f"cores = [{first}, {second}];"))
    process = rig.begin("traffic", "--subscribers", NODES, "--rate", 2000, "--seconds", 600, config=config)

    def received():
        """By second, as far as told."""
        process.require()
        rows = [line.split() for line in process.output().splitlines()]
        return [int(row[2]) for row in rows if row and row[0].isdigit()]

    wait_for(lambda: any(received()), "traffic", 60)
    rig.gw.ip("neigh flush dev core", "neigh flush dev access")
    flushed = len(received())
    # The second in which it was may end with what came before.
    wait_for(lambda: any(received()[flushed + 1:]), "traffic to go on", 60)
    process.send(signal.SIGTERM)
    assert process.wait(120) == 0, process.output()
    result = json.loads(process.json.read_text())["result"]
    assert result["neighbour_answers"] >= 2
    for stream in result["streams"].values():
        assert stream["received"] > 0
        assert stream["astray"] == stream["duplicates"] == stream["reordered"] == 0


def test_subscribers_that_are_unknown_are_lost(rig):
    """One in six nodes has no binding: its packets are not tunnelled to it."""
    figures = rig.run("traffic", "--subscribers", NODES + 1, "--streams", "downlink", *SHORT)
    stream = figures["result"]["streams"]["downlink"]
    assert 0 < stream["lost"] < stream["sent"] / 2
    assert stream["lost"] == stream["sent"] - stream["received"]


def test_a_wrong_tunnel_is_not_taken_for_the_right_one(rig):
    """The gateway tunnels to the care-of addresses that it knows; a generator that has others in
    mind must notice."""
    config = rig.config(care_of_prefixes='["2001:db8:a:2::/64"]', settle=SETTLE)
    figures = rig.run("traffic", "--subscribers", NODES, "--streams", "downlink", *SHORT, config=config)
    stream = figures["result"]["streams"]["downlink"]
    assert stream["received"] == 0 and stream["astray"] == stream["sent"] == stream["lost"]


def test_loss_while_a_link_is_cut(rig):
    process = rig.begin("traffic", "--subscribers", NODES, "--streams", "downlink", "--rate", 1000,
                        "--seconds", 600)

    def seconds():
        process.require()
        return sum(row.split()[:1] != [] and row.split()[0].isdigit() for row in process.output().splitlines())

    wait_for(seconds, "the first second", 60)
    rig.gen.ip("link set access down")
    since = seconds()
    wait_for(lambda: seconds() > since + 1, "a second without the link", 60)
    rig.gen.ip("link set access up")
    process.send(signal.SIGTERM)
    assert process.wait(120) == 0, process.output()
    stream = json.loads(process.json.read_text())["result"]["streams"]["downlink"]
    assert 0 < stream["lost"] == stream["sent"] - stream["received"]
    nothing_lost(rig.run("traffic", "--subscribers", NODES, "--streams", "downlink", *SHORT,
                         config=rig.config(settle=SETTLE)), "downlink")


def test_search_finds_a_rate(rig):
    # At a rate that the machine can serve it may yet be busy with something else.
    config = rig.config(min_rate=500, max_rate=2000, resolution='"20"', attempts=20)
    figures = rig.run("search", "--subscribers", NODES, "--seconds", 1, "--loss", 1, config=config)
    assert 500 <= figures["no_drop_pps"] <= 2000
    assert figures["result"]["loss_percent"] <= 1
    passed = [trial["rate"] for trial in figures["trials"] if trial["verdict"] == "passed"]
    assert max(passed) == figures["no_drop_pps"]


def test_a_search_of_nothing_but_loss_finds_none(rig):
    config = rig.config(min_rate=500, max_rate=2000, resolution='"50"', settle='"100ms"', attempts=2,
                        trial='"500ms"', care_of_prefixes='["2001:db8:a:2::/64"]')
    figures = rig.run("search", "--subscribers", NODES, config=config)
    assert figures["no_drop_pps"] == 0 and figures["result"] is None and figures["limited_by"] == "loss"
    assert [trial["rate"] for trial in figures["trials"]] == [2000, 2000, 1250, 1250, 500, 500]


def test_packets_as_scapy_reads_them(rig):
    path = rig.write("packets", "packets.pcap", "--subscribers", 3, "--sizes", "64-1460",
                     "--streams", "downlink,uplink,multicast")
    with PcapReader(str(path)) as reader:
        frames = list(reader)
    assert len(frames) == 3 + 3 + 1
    for node, frame in enumerate(frames[:3]):
        outer = frame[IPv6]
        assert (outer.src, outer.dst, outer.nh) == (CORRESPONDENT, home(node), socket.IPPROTO_UDP)
    for node, frame in enumerate(frames[3:6]):
        outer = frame[IPv6]
        assert (outer.src, outer.dst, outer.nh) == (care_of(node), HOME_AGENT, socket.IPPROTO_IPV6)
        assert (outer.payload.src, outer.payload.dst) == (home(node), CORRESPONDENT)
        assert outer.plen == 40 + outer.payload.plen
    assert frames[6].dst == "33:33:80:00:00:01" and frames[6][IPv6].dst == "ff3e::8000:1"
    for frame in frames:
        packet = frame[UDP].underlayer
        assert packet.plen == frame[UDP].len and 64 <= packet.plen + 40 <= 1460
        again = IPv6(bytes(packet))
        right = again[UDP].chksum
        del again[UDP].chksum
        assert IPv6(bytes(again))[UDP].chksum == right


def test_captures_for_other_generators(rig, build):
    directory = rig.lab.directory / "captures"
    rig.gen.run("env", f"DMM_PKTGEN={programs.program(build, 'dmm-pktgen')}",
                programs.ROOT / "tools/pktgen/others/captures", directory, "--config", EXAMPLE, "--subscribers", 7)
    for name in ("downlink", "uplink"):
        with PcapReader(str(directory / f"{name}.pcap")) as reader:
            tunnelled = [frame[IPv6].nh == socket.IPPROTO_IPV6 for frame in reader]
        assert tunnelled == 7 * [name == "uplink"]


@pytest.mark.parametrize("words, about", [
    ((), "command"), (("trafic",), "traffic"), (("traffic", "--rate", "fast"), "--rate"),
    (("traffic", "--sizes", "63"), "63"), (("traffic", "--streams", "sideways"), "downlink"),
    (("traffic", "--distribution", "normal"), "zipf"), (("traffic", "--subscribers", "0"), "--subscribers"),
    (("search", "--loss", "101"), "--loss"), (("packets", "--count", "0"), "--count"),
    (("subscribers", "more"), "more"), (("traffic", "--confgi", "x"), "--help")])
def test_wrong_arguments(rig, words, about):
    process = rig.gen.start("wrong", programs.program(rig.build, "dmm-pktgen"), *words,
                            *(("--config", EXAMPLE) if words and "--confgi" not in words and
                              words[0] != "trafic" else ()))
    assert process.wait() == 2
    assert about in process.output()


@pytest.mark.parametrize("change, key", [
    ({"count": 0}, "count"), ({"home_prefix": '"2001:db8:100::/96"'}, "home_prefix"),
    ({"sizes": '"1461"'}, "sizes"), ({"gateway": '"::"'}, "gateway"), ({"loss": '"much"'}, "loss"),
    ({"care_of_prefixes": "[]"}, "care_of_prefixes")])
def test_wrong_configuration(rig, change, key):
    config = rig.config(**change)
    process = rig.gen.start("wrong", programs.program(rig.build, "dmm-pktgen"), "--check", "--config", config)
    assert process.wait() == 1
    assert str(config) in process.output() and key in process.output()
