"""Anchor and gateway watch the links between them: a link that carries nothing is not used, in either
direction, until it carries again, and flows that were on another stay there. The tunnels end at another
address of the anchor than the signalling does, that of its data plane (RFC 7389)."""

import json

import pytest

from lab.proxy import CORE_AT_GATEWAY, Anchor, global_address
from lab.proxy_paths import (BID, CABLES, CORE_AT_WLAN, LABEL, LINK, LTE, WLAN, PathsGateway, PathsLab,
                             make_anchor, supervised)
from lab.system import wait_for
from paths import Cables, sending_up
from proxy_rig import PATIENT, lab  # noqa: F401
from rig import stop

LAB, HUGEPAGES = PathsLab, 160
WEB = 80  # rules want WLAN for it, and else LTE
PORTS = [*range(2000, 2024), WEB]
SOON = supervised("50ms", 30, 3) + "	metrics_vendor = 32473;\n"  # RFC 5612
BOTH = {LTE: "up", WLAN: "up"}
USER_PLANE = "2001:db8:1::11"
CORE_AT = {LTE: CORE_AT_GATEWAY[LINK], WLAN: CORE_AT_WLAN}
MARGIN = 25  # percent of probes: on a busy machine some come back late, which counts as lost
BEST = ('\t\tsteering = "flow";',
        f'\t\tsteering = "best"; best = {{ delay_margin = "10s"; loss_margin = {MARGIN}; hold = "1s"; }};')
HEARTBEATS = '\n\theartbeat = "1s"; heartbeats_missed = 20;'


@pytest.fixture(scope="module")
def anchor(lab, build):
    started = make_anchor(lab, build, PATIENT, ('max_lifetime = "420s";', 'max_lifetime = "420s";' + HEARTBEATS),
                          ('delete_delay = "10s"', 'delete_delay = "600s"'),
                          ('name = "mag1"; ', 'name = "mag1"; identifier = "mag1@example.net"; '),
                          ('{ name = "dp1"; }', f'{{ name = "dp1"; address = "{USER_PLANE}"; }}'),
                          supervision=SOON)
    started.data_plane.addresses = (f"address replace {USER_PLANE}/64 dev core nodad", *Anchor.ADDRESSES)
    started.start()
    yield started
    stop(started)


@pytest.fixture(scope="module")
def gateway(lab, build, anchor):
    started = PathsGateway(lab, build, ("mag = {", "mag = {" + HEARTBEATS), supervision=SOON)
    started.start()
    yield started
    stop(started)


@pytest.fixture(scope="module")
def cables(lab, gateway):
    heard = Cables(lab)
    yield heard
    heard.close()


@pytest.fixture(scope="module")
def address(lab, anchor, gateway):
    lab.plug("1")
    await_states(anchor, gateway, BOTH)
    return wait_for(lambda: global_address(lab.mn), "the host to have an address")


def paths(end, key):
    """What an anchor or a gateway shows of its paths, by the address of the gateway."""
    return {path[key]: path for path in end.control.ask("path", "show")["paths"]}


def await_states(anchor, gateway, states):
    def seen(end, key):
        return {address: path["state"] for address, path in paths(end, key).items()}

    wait_for(lambda: seen(anchor, "remote") == states and seen(gateway, "local") == states,
             f"the paths to be {states}", 60)


def events(end, name):
    lines = end.control.ctl("--json", "events").splitlines()
    return [event["message"] for event in map(json.loads, lines) if event["event"] == name]


def reached(lab, address, source):
    """An echo of a correspondent comes back."""
    return " 1 received" in lab.cn.run("ping", "-6", "-c", "1", "-W", "1", "-I", source, address,
                                       check=False)


def test_paths_are_shown(anchor, gateway, address):
    for end, key, far, peer in (anchor, "remote", "local", "mag1"), (gateway, "local", "remote", "lma"):
        for care_of, path in paths(end, key).items():
            assert path[far] == USER_PLANE
            assert (path["peer"], path["bid"], path["label"], path["weight"]) == \
                (peer, BID[care_of], LABEL[care_of], 1)
            assert path["delay_ms"] > 0 and path["probes"] >= path["answers"] > 0
        assert {path["best"] for path in paths(end, key).values()} == {None}
    table = gateway.control.ctl("path", "show").splitlines()
    assert table[0].split()[:3] == ["PEER", "BID", "LABEL"] and len(table) == 3
    assert all("lma" in line and "up" in line for line in table[1:])


def test_what_they_carry_is_shown(lab, anchor, gateway, address):
    """Up by both, since flows are shared out, and down what answers."""
    def carried():
        for end, key in (anchor, "remote"), (gateway, "local"):
            shown = paths(end, key).values()
            if not all(path["up_packets_s"] and path["up_octets_s"] > path["up_packets_s"]
                       for path in shown) or not any(path["down_octets_s"] for path in shown):
                return False
        return True

    # Rates are those of the last second: who asks later still has to find some.
    with sending_up(lab, address, PORTS):
        pinging = lab.cn.start("ping", "ping", "-6", "-i", "0.1", address)
        wait_for(carried, "rates at both ends", 60)
        pinging.stop()
    for end in anchor, gateway:
        assert "UP PKT/S" in end.control.ctl("path", "show").splitlines()[0]
        wait_for(lambda: {path["up_packets_s"] for path in paths(end, "bid").values()} == {0},
                 "no rates when nothing is sent", 60)


def test_the_gateway_tells_of_paths(anchor, gateway, address):
    """What it measures the anchor is told; it is told nothing itself."""
    def told():
        return all(path["told_delay_ms"] and path["told_loss_percent"] is not None
                   for path in paths(anchor, "remote").values())

    wait_for(told, "the anchor to be told of both paths", 60)
    assert {path["told_loss_percent"] for path in paths(gateway, "local").values()} == {None}
    assert "TOLD LOSS %" in anchor.control.ctl("path", "show").splitlines()[0]


def sources(lab):
    """Addresses of correspondents, of which some hash to one path and some to the other."""
    found = [f"2001:db8:c::{host:x}" for host in range(16, 24)]
    for source in found:
        lab.cn.ip(f"address replace {source}/64 dev eth0 nodad")
    return found


def cut(lab, care_of):
    lab.core.ip(f"link set {CABLES[care_of]} down")


def mend(lab, cables, care_of):
    lab.core.ip(f"link set {CABLES[care_of]} up",
                f"address replace {CORE_AT[care_of]}/64 dev {CABLES[care_of]} nodad")
    cables.renew(care_of)


def test_a_link_is_cut_and_comes_back(lab, anchor, gateway, cables, address):
    def ways():
        return cables.ways_up(address, PORTS, 5)

    def by_both():
        found = ways()
        return (found.keys() == set(PORTS) and found[WEB] == WLAN and set(found.values()) == {LTE, WLAN}
                and found == ways() and found)

    before = wait_for(by_both, "all flows to go up, by both", 60)

    cut(lab, WLAN)
    await_states(anchor, gateway, {LTE: "up", WLAN: "down"})
    wait_for(lambda: ways() == dict.fromkeys(PORTS, LTE), "all flows to go by LTE", 60)
    wait_for(lambda: paths(anchor, "remote")[WLAN]["told_loss_percent"] == 100,
             "the anchor to be told that WLAN loses all", 60)
    for source in sources(lab):  # flows down, of which some were on WLAN
        wait_for(lambda: reached(lab, address, source), f"an answer of the host to {source}", 60)
    for end in anchor, gateway:
        assert any(WLAN in message for message in events(end, "path-down"))

    mend(lab, cables, WLAN)
    await_states(anchor, gateway, BOTH)
    wait_for(lambda: ways() == before, "each flow to go as before", 60)
    for end in anchor, gateway:
        assert any(WLAN in message for message in events(end, "path-up"))


def best(end, key):
    return {care_of for care_of, path in paths(end, key).items() if path["best"]}


def test_the_best_is_taken(lab, anchor, gateway, cables, address):
    """All that no rule is for goes by one, and stays there when the other is as good again."""
    for end in anchor, gateway:
        end.control.process.stop()
        end.control.reconfigure(BEST)
        end.control.start()
        wait_for(end.synchronised, "the data plane to be synchronised", 60)
    await_states(anchor, gateway, BOTH)
    cut(lab, LTE)
    wait_for(lambda: best(anchor, "remote") == best(gateway, "local") == {WLAN},
             "WLAN to be the best", 60)
    mend(lab, cables, LTE)
    await_states(anchor, gateway, BOTH)
    wanted = dict.fromkeys(PORTS, WLAN)
    wait_for(lambda: cables.ways_up(address, PORTS, 5) == wanted, "all flows to go by WLAN", 60)
    assert best(anchor, "remote") == best(gateway, "local") == {WLAN}
    wait_for(lambda: goes_down_by(lab, anchor, address, WLAN), "what goes down to do so too", 60)
    for end in anchor, gateway:
        assert events(end, "path-best")


def goes_down_by(lab, anchor, address, care_of):
    """Only one path carries the echoes of correspondents down."""
    for source in sources(lab):
        reached(lab, address, source)
    carrying = {remote for remote, path in paths(anchor, "remote").items() if path["down_packets_s"]}
    return carrying == {care_of}


def test_the_anchor_goes_by_what_it_is_told(lab, anchor, gateway, cables, address):
    """Only what the gateway asks over WLAN is lost, sometimes: the anchor's own probes come back. Both take
    LTE, and stay there when WLAN is as good again."""
    assert best(anchor, "remote") == best(gateway, "local") == {WLAN}
    lab.core.run("nft", "-f", "-", stdin=f"""table ip6 lossy {{
        chain forward {{
            type filter hook forward priority 0;
            ip6 saddr {WLAN} icmpv6 type echo-request numgen random mod 10 < 4 drop
        }}
    }}""")
    wait_for(lambda: best(anchor, "remote") == best(gateway, "local") == {LTE}, "LTE to be the best", 60)

    def is_told():
        shown = paths(anchor, "remote")[WLAN]
        return shown["told_loss_percent"] >= MARGIN / 2 + shown["loss_percent"]
    wait_for(is_told, "the loss to be one that the anchor is told of alone", 60)
    lab.core.run("nft", "delete", "table", "ip6", "lossy")
    wait_for(lambda: paths(anchor, "remote")[WLAN]["told_loss_percent"] < MARGIN / 2,
             "WLAN to be as good again", 60)
    assert best(anchor, "remote") == best(gateway, "local") == {LTE}


def test_they_speak_by_the_link_that_is_left(lab, anchor, gateway, cables, address):
    """Heartbeats, notifications and revocations need not go by the first path (RFC 5846, 5847, 7077)."""
    def counted(at_anchor, at_gateway):
        return [anchor.control.drops()[at_anchor], gateway.control.drops()[at_gateway]]

    def heard():
        return counted("lma_heartbeat_received", "mag_heartbeat_received")

    cut(lab, LTE)
    await_states(anchor, gateway, {LTE: "down", WLAN: "up"})
    before, lost = heard(), counted("lma_gateway_lost", "mag_anchor_lost")
    wait_for(lambda: all(now > then + 8 for now, then in zip(heard(), before)), "heartbeats of both")
    assert counted("lma_gateway_lost", "mag_anchor_lost") == lost
    for end in anchor, gateway:
        assert "reachable" in {peer["state"] for peer in end.control.ask("peer", "show")["peers"]}
    told = anchor.control.ask("session", "renew", address)
    assert (told["answer"], told["answer_status"]) == ("answered", 0)
    lab.plug(None)

    def revoked():
        """What the host said last may attach it anew, once."""
        told = gateway.control.ask("mag", "revoke", "lma")
        assert (told["answer"], told["answer_status"]) == ("answered", 0)
        return {session["state"] for session in anchor.sessions()} == {"ending"}

    wait_for(revoked, "the session to end")
    mend(lab, cables, LTE)
