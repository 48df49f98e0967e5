"""The groups that nodes listen to are joined upstream, so that a network that brings nothing unasked
brings them: the core link is a bridge of Linux that is an MLD querier and snoops."""

import json
import re
import signal

import pytest

from lab import ledger, programs
from lab.capture import Capture
from lab.system import run, wait_for
from lab.topology import CORE_GATEWAY, HOME_AGENT, HOME_PREFIX, Lab
from test_multicast import FORBIDDEN, SENDER, option, report, source  # noqa: F401
from test_node_multicast import ANY, IS_EXCLUDE, IS_INCLUDE, OTHER, SPECIFIC

import mip6

assert SENDER == CORE_GATEWAY


@pytest.fixture(scope="module")
def lab(build, tmp_path_factory):
    with Lab("test", tmp_path_factory.mktemp("upstream")) as network:
        ledger.reserve_hugepages(network.ledger, 64)
        network.build()
        # In hundredths of a second.
        network.core.ip("link add name transit type bridge mcast_snooping 1"
                        " mcast_mld_version 2 mcast_query_response_interval 50"
                        " mcast_startup_query_interval 50 mcast_last_member_interval 20"
                        " mcast_query_interval 100 mcast_membership_interval 250",
                        "link set transit type bridge mcast_querier 1",
                        "link set gw master transit", "link set transit up",
                        f"address del {CORE_GATEWAY}/64 dev gw",
                        f"address add {CORE_GATEWAY}/64 dev transit nodad",
                        f"route replace {HOME_PREFIX} via {HOME_AGENT}")
        yield network


@pytest.fixture(scope="module")
def capture(lab, gateway):
    made = Capture(lab.core, "gw", "upstream", "ip6")
    yield made
    made.stop()


def database(lab):
    """What the bridge knows of its port to the gateway: {(group, source or None)}."""
    text = lab.core.run("bridge", "-d", "mdb", "show", "dev", "transit")
    return {(match[1], match[2]) for match in
            re.finditer(r"port gw grp (\S+)(?: src (\S+))? (?:temp|permanent)", text)}


def snoops(lab, source, capture):
    """Waits until the bridge keeps from the gateway what nobody there listens to."""
    def kept():
        size = capture.size()
        source.send(OTHER, b"not asked for")
        source.send("ff02::1", b"a mark")
        wait_for(lambda: any(b"a mark" in frame for _, frame in capture.packets(size)), "the mark")
        return not any(b"not asked for" in frame for _, frame in capture.packets(size))

    wait_for(kept, "the bridge to snoop")


def filtered(group, kind, *sources):
    return bytes([143, 0, 0, 0, 0, 0, 0, 1, kind, 0, 0, len(sources)]) + b"".join(
        map(mip6.address, (group, *sources)))


def arrives(source, peer, group, payload):
    def came():
        source.send(group, payload)
        return peer.ear.heard(lambda octets: octets[6] == 41 and payload in octets)

    wait_for(came, f"{payload} in the tunnel")


def test_what_nodes_listen_to_is_joined(lab, gateway, peer, subscriber, control, source, capture):
    values, other = subscriber(), subscriber()
    peer.attach("a")
    snoops(lab, source, capture)
    assert not {group for group, _ in database(lab)} & {ANY, SPECIFIC}
    peer.register(values, more=option(report(ANY, FORBIDDEN)))
    wait_for(lambda: (ANY, None) in database(lab), "the group to be joined")
    arrives(source, peer, ANY, b"from anybody")
    assert FORBIDDEN not in {group for group, _ in database(lab)}
    peer.register(values, more=option(filtered(SPECIFIC, IS_INCLUDE, SENDER)))
    wait_for(lambda: (SPECIFIC, SENDER) in database(lab), "the source to be joined")
    arrives(source, peer, SPECIFIC, b"from one")
    wait_for(lambda: ANY not in {group for group, _ in database(lab)}, "the group to be left")
    # The second listener keeps what the first one leaves.
    peer.register(other, more=option(filtered(SPECIFIC, IS_INCLUDE, SENDER)))
    peer.register(values, more=option(filtered(ANY, IS_EXCLUDE)))
    wait_for(lambda: (ANY, None) in database(lab), "the group to be joined again")
    arrives(source, peer, SPECIFIC, b"still")
    counters = control.stats()["data_planes"][0]["counters"]
    assert counters["upstream_joined"] - counters["upstream_left"] == 2
    assert counters["upstream_failed"] == 0

    def told():
        # In this order: what is still under way is counted by both, or by the second alone.
        listeners = {group: control.ask("mcast", "members", group)["listeners"] for group in (ANY, SPECIFIC)}
        shown = control.ask("mcast", "show")["groups"]
        counted = (*listeners[SPECIFIC], *(item for item in shown if item["group"] == SPECIFIC))
        return all(item["packets"] for item in counted) and (listeners, shown)

    listeners, shown = wait_for(told, "the data plane to tell what it counts")
    assert {(item["group"], item["source"]): item["members"] for item in shown} == {
        (ANY, None): 1, (SPECIFIC, SENDER): 1}
    specific = next(item for item in shown if item["group"] == SPECIFIC)
    assert specific["packets"] > 0 and specific["octets"] > 40 * specific["packets"]
    assert specific["copies"] > 0
    assert specific["upstream_joined"] == ["dp1"] and specific["upstream_refused"] == []
    # By node: who listens to one of them alone has got no copy of the other since it joined.
    (idle,), (served,) = listeners.values()
    assert [idle["home_address"], served["home_address"]] == [
        values["home_addresses"][0], other["home_addresses"][0]]
    assert (idle["packets"], idle["octets"]) == (0, 0)
    assert served["octets"] > 40 * served["packets"] > 0
    assert served["packets"] < specific["copies"]
    assert " dp1" in control.ctl("mcast", "show", SPECIFIC)
    gateway.data_plane.process.send(signal.SIGKILL)
    gateway.data_plane.process.wait()
    wait_for(lambda: ANY not in {group for group, _ in database(lab)},
             "the groups of the dead data plane to time out")
    gateway.data_plane.start()
    wait_for(gateway.synchronised, "the data plane to be synchronised")
    arrives(source, peer, ANY, b"after the restart")
    for one in (values, other):
        peer.register(one, lifetime=0)
    wait_for(lambda: not {group for group, _ in database(lab)} & {ANY, SPECIFIC},
             "all groups to be left")


def test_explained(peer, subscriber, control):
    values = subscriber()
    home = values["home_addresses"][0]
    peer.attach("a")

    def explain(group, source):
        found = control.ask("mcast", "explain", values["mn_id"], group, source)
        assert [one["home_address"] for one in found["home_addresses"]] == [home]
        return found["object"], found["home_addresses"][0]

    assert explain(ANY, SENDER)[1]["why"] == "the node is not bound: it listens on its own link"
    peer.register(values, more=option(filtered(SPECIFIC, IS_INCLUDE, SENDER),
                                      filtered(ANY, IS_EXCLUDE, SENDER)))
    object, one = explain(SPECIFIC, SENDER)
    assert object == {"group": SPECIFIC, "source": SENDER, "anchor": None, "members": 1, "not_installed": 0}
    assert one["copied"] and one["care_of_address"] == peer.care_of
    assert one["data_plane"] == "dp1"
    assert one["filter"] == {"mode": "include", "sources": [SENDER]}
    object, one = explain(SPECIFIC, "2001:db8::1")
    assert object is None and not one["copied"]
    assert one["why"] == "the source is none that the node listens to"
    object, one = explain(ANY, SENDER)
    assert object["members"] == 0 and one["why"] == "the node excludes the source"
    assert explain(ANY, "2001:db8::1")[1]["copied"]
    assert explain(OTHER, SENDER)[1]["why"] == "the node does not listen to the group"
    assert explain("ff05::1", SENDER)[1]["why"] == "multicast.groups does not allow the group"
    assert explain("ff02::1", SENDER)[1]["why"] == "it is no group, or one that stays on its link"
    told = [json.loads(line) for line in control.ctl("--json", "mcast", "members", ANY).splitlines()]
    assert [(item["source"], [one["home_address"] for one in item["listeners"]]) for item in told] == [
        (None, [home]), (SENDER, [])]
    assert home in control.ctl("mcast", "members", ANY)
    for wrong in (("2001:db8::1", SENDER), (ANY, "ff1e::1")):
        with pytest.raises(programs.LabError, match="is no IPv6"):
            control.ctl("mcast", "explain", values["mn_id"], *wrong)


def test_tshark_finds_nothing_wrong(capture):
    path = capture.stop()
    found = run("tshark", "-r", path, "-Y", "icmpv6.type == 143", "-T", "fields", "-e",
                "ipv6.hlim", "-e", "icmpv6.mldr.mar.multicast_address", "-e", "_ws.expert.message")
    lines = [line.split("\t") for line in found.splitlines()]
    ours = [line for line in lines if any(group in line[1] for group in (ANY, SPECIFIC))]
    assert ours
    for hops, _, complaint in ours:
        assert hops == "1" and not complaint
