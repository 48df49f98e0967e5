"""What an operator sees and does with dmmctl while nodes come, move and go (docs/api.md)."""

import itertools
import json

import pytest
from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

from lab import programs
from lab.system import LabError, wait_for
from lab.topology import CN, HOME_AGENT
from peer import CARE_OF, inner_of

NUMBERS = itertools.count()


@pytest.fixture
def follow(control, build):
    """follow(WORDS...) starts a dmmctl that does not end; what it returns gives its JSON lines."""
    started = []

    def start(*words):
        name = f"dmmctl-{next(NUMBERS)}"
        process = control.node.start(name, programs.program(build, "dmmctl"), "--json", *words)
        started.append(process)
        # What it says on standard error stands there too, and is no JSON.
        return lambda: [json.loads(line) for line in process.output().splitlines(True)
                        if line.startswith("{") and line.endswith("\n")]

    yield start
    for process in started:
        process.stop()


def uplink(peer, home, source):
    """A packet of a node through the tunnel, from the given care-of address."""
    peer.send(bytes(IPv6(src=source, dst=HOME_AGENT, nh=41)
                    / IPv6(src=home, dst=CN) / UDP(dport=9) / Raw(b"uplink")))


def test_watch_tells_every_change(follow, peer, subscriber, control):
    node, early = subscriber(), subscriber()
    home = node["home_addresses"][0]
    peer.attach("a")
    peer.register(early)
    lines = follow("binding", "watch")

    def told(address=home):
        return [(line["event"], line["binding"]["care_of_address"]) for line in lines()
                if line["binding"]["home_address"] == address]

    wait_for(lambda: told(early["home_addresses"][0]), "what was there before")
    assert told(early["home_addresses"][0]) == [("present", CARE_OF["a"])]
    peer.register(node)
    peer.register(node)
    peer.attach("b")
    peer.register(node)
    peer.register(node, lifetime=0)
    wait_for(lambda: len(told()) >= 4, "four changes")
    assert told() == [("registered", CARE_OF["a"]), ("refreshed", CARE_OF["a"]),
                      ("moved", CARE_OF["b"]), ("deregistered", CARE_OF["b"])]


def test_watch_ends_with_an_error_when_control_does(follow, peer, subscriber, gateway, control):
    peer.attach("a")
    peer.register(subscriber())
    lines = follow("binding", "watch")
    process = control.node.processes[-1]
    wait_for(lines, "the watch to begin")
    control.process.stop()
    try:
        assert process.wait() == 1
        assert lines()[-1]["error"]["code"] in ("lost", "unavailable")
    finally:
        control.start()
        wait_for(gateway.synchronised, "the data plane to be synchronised")


def test_path_is_there_as_long_as_the_binding(peer, subscriber, control):
    node = subscriber()
    peer.attach("a")

    def paths():
        return [p for p in control.ask("path", "show")["paths"] if p["mn_id"] == node["mn_id"]]

    assert paths() == []
    peer.register(node)
    (path,) = paths()
    assert (path["kind"], path["local"], path["remote"]) == ("ip6-in-ip6", HOME_AGENT, CARE_OF["a"])
    assert path["path_id"] == control.binding(node["home_addresses"][0])["path_id"]
    assert CARE_OF["a"] in control.ctl("path", "show")
    peer.register(node, lifetime=0)
    wait_for(lambda: paths() == [], "the path to go")


def test_data_plane_is_shown(gateway, control):
    wait_for(gateway.synchronised, "what the last test changed to be acknowledged")
    (plane,) = control.ask("dp", "show")["data_planes"]
    assert (plane["state"], plane["lag"], plane["failures"]) == ("synced", 0, 0)
    macs = {port["name"]: port["mac"] for port in plane["ports"]}
    assert macs == {name: gateway.node.mac(name) for name in ("core", "home")}
    assert "synced" in control.ctl("dp", "show")


def test_statistics_name_nodes_drops_and_tables(peer, lab, subscriber, control):
    node = subscriber()
    home = node["home_addresses"][0]
    peer.attach("a")
    peer.register(node)
    since = peer.ear.mark()
    lab.cn.run("ping", "-c", "3", "-i", "0.2", "-W", "1", home, check=False)
    peer.ear.wait(inner_of, "a tunnelled ping", since)
    (plane,) = control.stats()["data_planes"]
    assert plane["answered"]
    express = next(n for n in plane["nodes"] if n["name"] == "express")
    assert express["packets"] >= 1
    assert express["cycles_per_packet"] == pytest.approx(express["cycles"] / express["packets"])
    assert plane["counters"]["encapsulated"] >= 1
    assert "hop_limit" in plane["drops"]
    (table,) = [t for t in plane["tables"] if t["name"] == "subscribers"]
    assert 1 <= table["entries"] <= table["capacity"]
    shown = control.ctl("stats")
    assert "CYCLES/PACKET" in shown and "express" in shown


def test_forged_uplink_is_an_event(follow, peer, subscriber, control):
    node = subscriber()
    home = node["home_addresses"][0]
    lines = follow("events", "--follow")
    peer.attach("a")
    peer.register(node)
    peer.node.ip("address add 2001:db8:a::66/64 dev wlan0 nodad")
    uplink(peer, home, "2001:db8:a::66")

    def told():
        return [line for line in lines() if line["event"] == "wrong-source"]

    wait_for(told, "the event")
    event = told()[0]
    assert (event["severity"], event["home_address"]) == ("warning", home)
    assert home in event["message"]
    assert event["event"] in control.ctl("events")


def test_subscriber_added_by_hand(peer, control):
    key = "00112233445566778899aabbccddeeff"
    path = control.node.directory / "key"
    path.write_text(key + "\n")
    words = ("subscriber", "add", "hand@example.net", "--home-address=2001:db8:100::abc",
             "--spi=4711", f"--key-file={path}", "--max-lifetime=60")
    assert control.ctl(*words) == "added hand@example.net\n"
    try:
        with pytest.raises(LabError, match="hand@example.net|there is"):
            control.ctl(*words)
        peer.attach("a")
        answer = peer.register({"mn_id": "hand@example.net", "spi": 4711, "key": key,
                                "home_addresses": ["2001:db8:100::abc"]})
        assert answer.lifetime * 4 == 60
        shown = control.ask("subscriber", "show", "hand@example.net")["subscribers"][0]
        assert (shown["bindings"], shown["max_lifetime_s"]) == (1, 60)
        assert "key" not in shown
    finally:
        control.ctl("subscriber", "del", "hand@example.net")
    assert control.binding("2001:db8:100::abc") is None
