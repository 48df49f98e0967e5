"""dmm-mn against a home agent that is none of ours (RFC 6275, section 11)."""

import json
import re
import signal
import time

import pytest
from scapy.layers.inet6 import (ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr,
                                ICMPv6ParamProblem, IPv6, IPv6ExtHdrFragment)

import mip6
from agent import SILENT, Agent, acknowledgement
from lab import programs
from lab.node import veth
from lab.system import wait_for
from lab.topology import CN, HOME_ADDRESS, HOME_AGENT, VISITED_PREFIX
from peer import Ear
from rig import end

ALTERNATE_COA, MN_ID_OPTION, TIMESTAMP, AUTHENTICATION = 3, 8, 10, 9


@pytest.fixture(scope="module")
def home_link(lab):
    lab.advertise(lab.gw, "v-home", "2001:db8:100::")


@pytest.fixture
def agent(lab, home_link):
    made = Agent(lab)
    yield made
    made.close()


@pytest.fixture
def node(lab, build, agent):
    """Knows nothing of a run before; not started."""
    made = programs.MobileNode(lab.mn, build)
    lab.plug(None)
    for name in ("mn.state", "mn.sock"):
        lab.mn.run("rm", "-f", f"/run/dmm/{name}")
    yield made
    end(made)
    lab.plug(None)


@pytest.fixture
def away(lab, agent, node):
    """Registered from link A."""
    lab.plug("a")
    node.start()
    wait_state(node, "registered")
    return node


@pytest.fixture
def witness(lab):
    """What another host on the home link sees."""
    ear = Ear(lab.host, "eth0")
    yield ear
    ear.close()


def state(node):
    return (node.status() or {}).get("state")


def wait_state(node, wanted, limit=60):
    wait_for(lambda: state(node) == wanted, f"the node to be {wanted}", limit)


def host_state(lab):
    """All that a mobile node changes in its host."""
    settings = [lab.mn.run("sysctl", "-n", f"net.ipv6.conf.wlan0.{name}")
                for name in ("ndisc_notify", "optimistic_dad", "use_optimistic")]
    return (lab.mn.run("ip", "-6", "rule"), lab.mn.run("nft", "list", "ruleset"), settings,
            lab.mn.run("ip", "-6", "route", "show", "table", "all", "proto", "static"),
            [link["ifname"] for link in lab.mn.ip_json("link", "show")],
            HOME_ADDRESS in lab.mn.addresses("wlan0"))


def pings(node, source, destination):
    options = ("-I", source) if source else ()
    return "1 received" in node.run("ping", "-c", "1", "-W", "1", *options, destination, check=False)


def is_probe(octets):
    """Duplicate address detection for the home address."""
    packet = IPv6(octets)
    return (ICMPv6ND_NS in packet and packet[ICMPv6ND_NS].tgt == HOME_ADDRESS and packet.src == "::")


def assert_update(update):
    """What every update of a registration must be like."""
    assert update.checksum_good()
    assert update.authentic()
    assert update.packet.dst == HOME_AGENT
    assert update.mh[8:10] == b"\xc0\0"  # A and H, nothing else
    assert abs(update.timestamp - mip6.ntp_now()) < 60 << 32


def test_registers_as_it_must(lab, agent, node):
    """RFC 6275, 11.7.1; RFC 4285, 5.1 and 6."""
    lab.plug("a")
    node.start()
    update = agent.wait_update(0)
    assert_update(update)
    assert update.source.startswith(VISITED_PREFIX["a"][:-1])
    assert update.home_option == HOME_ADDRESS
    assert [kind for _, kind, _ in update.options] == [ALTERNATE_COA, MN_ID_OPTION, TIMESTAMP, AUTHENTICATION]
    assert update.option(ALTERNATE_COA) == mip6.address(update.source)
    assert update.option(MN_ID_OPTION) == b"\1mn1@example.net"
    assert update.lifetime == 105  # 420 s
    wait_state(node, "registered")
    status = node.status()
    assert status["care_of_address"] == update.source
    assert status["binding"]["bound"]
    # It may have been sent again before it was answered.
    assert status["binding"]["sequence"] in [one.sequence for one in agent.updates]
    assert 0 < status["binding"]["remaining_s"] <= 420


def test_moves_and_comes_home(lab, agent, node, witness):
    """RFC 6275, 11.5.5."""
    lab.plug("home")
    node.start()
    wait_state(node, "home")
    for link in ("a", "b"):
        lab.plug(link)
        wait_for(lambda: agent.updates and agent.updates[-1].source.startswith(
            VISITED_PREFIX[link][:-1]), f"an update from {link}")
        wait_state(node, "registered")
        assert HOME_ADDRESS not in lab.mn.addresses("wlan0")
    since = witness.mark()
    lab.plug("home")
    wait_state(node, "home")
    update = agent.updates[-1]
    assert_update(update)
    assert update.source == HOME_ADDRESS
    assert update.home_option is None
    assert update.option(ALTERNATE_COA) is None
    assert update.lifetime == 0
    numbers = [update.sequence for update in agent.updates]
    assert all((after - before) & 0xFFFF in range(1, 0x8000) for before, after in zip(numbers, numbers[1:]))

    def announced(octets):
        packet = IPv6(octets)
        return ICMPv6ND_NA in packet and packet.dst == "ff02::1" and packet[ICMPv6ND_NA].tgt == HOME_ADDRESS
    packet = IPv6(witness.wait(announced, "an advertisement to all nodes", since))
    assert (packet[ICMPv6ND_NA].S, packet[ICMPv6ND_NA].O, packet[ICMPv6ND_NA].R) == (0, 1, 0)
    assert packet[ICMPv6NDOptDstLLAddr].lladdr == lab.mn.mac("wlan0")
    wait_for(lambda: pings(lab.host, None, HOME_ADDRESS), "the node to answer on its home link")
    assert not witness.heard(is_probe, since)


def test_repeats_what_is_not_answered(lab, agent, node):
    """RFC 6275, 11.8: a greater sequence number each time."""
    agent.script = [SILENT, SILENT]
    lab.plug("a")
    node.start()
    sent = [agent.wait_update(number) for number in range(3)]
    wait_state(node, "registered")
    assert [(update.sequence - sent[0].sequence) & 0xFFFF for update in sent] == [0, 1, 2]
    assert sent[0].timestamp < sent[1].timestamp < sent[2].timestamp
    for update in sent:
        assert_update(update)
        assert update.source == sent[0].source


def test_ignores_forged_acknowledgements(lab, agent, node):
    """Neither accepts nor refuses by them, and goes on asking."""
    agent.script = [[{"key": bytes(16)}, {"key": bytes(16), "status": 129}, {"spi": 1001},
                     {"timestamp": 1}]] + 100 * [SILENT]
    lab.plug("a")
    node.start()
    wait_for(lambda: (node.status() or {}).get("signals", {}).get("unexpected"), "the last of them")
    assert state(node) == "registering"
    assert node.status()["signals"]["unauthenticated"] == 3
    agent.wait_update(1)
    agent.script = []
    wait_state(node, "registered")


def test_takes_no_answer_from_others(lab, agent, away):
    """Another source, or a routing header to another home address, is not for this node."""
    before = away.status()
    update = agent.updates[-1]
    agent.send(acknowledgement(update, status=129, source="2001:db8:1::77"))
    agent.send(acknowledgement(update, status=129, home="2001:db8:100::11"))
    agent.request_refresh()  # arrives behind them
    wait_for(lambda: away.status()["signals"]["refresh_requests"], "the refresh request")
    assert away.status()["signals"]["unauthenticated"] == before["signals"]["unauthenticated"]
    wait_state(away, "registered")


def test_refreshes_when_asked(lab, agent, away):
    """RFC 6275, 11.7.4."""
    count, first = len(agent.updates), agent.updates[-1]

    def asked_and_done():
        agent.request_refresh()
        return len(agent.updates) > count
    wait_for(asked_and_done, "an update after a refresh request", pause=0.3)
    update = agent.updates[count]
    assert_update(update)
    assert update.source == first.source
    assert (update.sequence - first.sequence) & 0xFFFF == 1
    wait_state(away, "registered")


def test_goes_on_from_the_agents_sequence_number(lab, agent, node):
    """Status 135 (RFC 6275, 11.7.3)."""
    agent.script = [lambda update: {"status": 135, "sequence": (update.sequence + 1000) & 0xFFFF}]
    lab.plug("a")
    node.start()
    first = agent.wait_update(0)
    # Before it had the answer it may have asked again.
    wait_for(lambda: any((update.sequence - first.sequence) & 0xFFFF == 1001 for update in agent.updates),
             "an update that goes on from there")
    wait_state(node, "registered")


def test_takes_over_the_agents_clock(lab, agent, node):
    """Status 144 (RFC 4285, 6), an hour ahead."""
    def hour_ahead(update):
        return {"status": 144, "timestamp": (update.timestamp + (3600 << 32))}
    agent.script = [hour_ahead]
    lab.plug("a")
    node.start()
    # Before it had the answer it may have asked again.
    wait_for(lambda: any(abs(update.timestamp - mip6.ntp_now(3600)) < 60 << 32 for update in agent.updates),
             "an update by the agent's clock")
    wait_state(node, "registered")


@pytest.mark.parametrize("status", [134, 146])
def test_stops_when_refused_for_good(lab, agent, node, status):
    agent.script = [{"status": status}]
    lab.plug("a")
    node.start()
    wait_state(node, "refused")
    # What it had sent before may still come.
    refused = mip6.ntp_now()
    assert node.status()["binding"]["status"] == status
    time.sleep(4)  # longer than until a first repetition
    assert all(update.timestamp < refused for update in agent.updates)
    lab.plug("b")  # a new link is a new chance
    wait_state(node, "registered")


def test_does_not_hammer_an_agent_that_cannot_be_pleased(lab, agent, node):
    agent.script = [lambda update: {"status": 144}] * 100
    lab.plug("a")
    node.start()
    wait_state(node, "refused")
    wait_for(lambda: len(agent.updates) >= 2, "another attempt")
    before, since = len(agent.updates), time.monotonic()
    time.sleep(3)
    assert len(agent.updates) <= before + 1 + time.monotonic() - since


def test_tunnels_both_ways(lab, agent, away):
    """RFC 6275, 11.3.1 and 11.3.3."""
    wait_for(lambda: pings(lab.mn, HOME_ADDRESS, CN), "an answer to a ping from the home address")
    outer, inner = next(pair for pair in agent.inner if pair[1].dst == CN)
    assert IPv6(outer).src == agent.updates[-1].source
    assert inner.src == HOME_ADDRESS
    assert IPv6(outer).fl != 0
    wait_for(lambda: pings(lab.cn, None, HOME_ADDRESS), "an answer from the home address")
    # without a source chosen by hand: the home address is what programs use
    assert f"src {HOME_ADDRESS}" in lab.mn.run("ip", "-6", "route", "get", CN)


def test_takes_tunnelled_packets_from_its_agent_only(lab, agent, away):
    before = away.status()["tunnel"]
    inner = bytes(IPv6(src=CN, dst=HOME_ADDRESS, nh=59))
    agent.send(bytes(IPv6(src="2001:db8:1::77", dst=agent.care_of, nh=41, plen=40)) + inner)
    agent.send(bytes(IPv6(src=HOME_AGENT, dst=agent.care_of, nh=41, plen=40))
               + bytes(IPv6(src=CN, dst="2001:db8:100::11", nh=59)))
    agent.send(bytes(IPv6(src=HOME_AGENT, dst=agent.care_of, nh=41, plen=4)) + b"none")
    wait_for(lambda: away.status()["tunnel"]["in_malformed"] > before["in_malformed"], "the last of them")
    after = away.status()["tunnel"]
    assert after["in_wrong_source"] == before["in_wrong_source"] + 1
    assert after["in_not_home"] == before["in_not_home"] + 1
    assert after["in_packets"] == before["in_packets"]


def test_keeps_what_comes_before_the_answer(lab, agent, node):
    """Packets of a data plane that the acknowledgement names, but overtake it, arrive; those of
    others do not."""
    named, other = "2001:db8:1::77", "2001:db8:1::78"

    def early(update):
        for source in (named, other, named):
            agent.send(bytes(IPv6(src=source, dst=update.source, nh=41, plen=40))
                       + bytes(IPv6(src=CN, dst=HOME_ADDRESS, nh=59)))
        time.sleep(0.2)  # the node has seen them
        return {"tunnel": named}
    agent.script = [early]
    lab.plug("a")
    node.start()
    wait_state(node, "registered")
    wait_for(lambda: node.status()["tunnel"]["in_packets"] == 2, "the early packets")
    assert node.status()["tunnel"]["in_wrong_source"] == 1
    assert node.status()["tunnel_address"] == named


def test_works_on_a_link_with_the_least_mtu(lab, agent, node):
    """The tunnel leaves 1280 octets to every packet: the outer ones are fragmented."""
    lab.mn.ip("link set wlan0 mtu 1280")
    try:
        lab.plug("a")
        node.start()
        wait_state(node, "registered")
        ear = agent.ears[0]
        since = ear.mark()
        wait_for(lambda: lab.mn.ip_json("link", "show", "dev", "dmm0")[0]["mtu"] == 1280, "the least MTU")
        lab.mn.run("ping", "-c", "1", "-W", "1", "-s", "1232", "-I", HOME_ADDRESS, CN, check=False)
        whole = [IPv6(octets) for octets in (
            ear.wait(lambda octets: octets[6] == 44 and octets[42] >> 3 == 0, "the first fragment", since),
            ear.wait(lambda octets: octets[6] == 44 and int.from_bytes(octets[42:44], "big") >> 3,
                     "the last fragment", since))]
        assert all(packet.src == agent.updates[-1].source and packet.dst == HOME_AGENT for packet in whole)
        assert whole[0][IPv6ExtHdrFragment].nh == 41
        assert node.status()["tunnel"]["out_failed"] == 0
    finally:
        lab.mn.ip("link set wlan0 mtu 1500")


def test_follows_the_mtu_of_the_path(lab, agent, away):
    """A router on the way has a smaller link: the tunnel's interface tells programs."""
    lab.ara.ip("link set core mtu 1400")
    try:
        def followed():
            lab.mn.run("ping", "-c", "1", "-W", "1", "-s", "1400", "-M", "dont", "-I", HOME_ADDRESS, CN,
                       check=False)
            return lab.mn.ip_json("link", "show", "dev", "dmm0")[0]["mtu"] == 1360
        wait_for(followed, "the smaller MTU on the tunnel")
        wait_for(lambda: "1 received" in lab.mn.run("ping", "-c", "1", "-W", "1", "-s", "1300", "-I",
                                                    HOME_ADDRESS, CN, check=False), "an answer to a packet that fits")
    finally:
        lab.ara.ip("link set core mtu 1500")


def test_leaves_the_host_as_it_was(lab, agent, node):
    before = host_state(lab)
    lab.plug("a")
    node.start()
    wait_state(node, "registered")
    assert host_state(lab) != before
    assert node.process.stop() == 0
    assert host_state(lab) == before
    wait_for(lambda: agent.updates[-1].lifetime == 0, "the binding to be given back")
    update = agent.updates[-1]
    assert update.home_option == HOME_ADDRESS
    assert_update(update)


def test_leaves_the_host_as_it_was_at_home(lab, agent, node):
    """And says that others can read its key, if they can."""
    before = host_state(lab)
    node.reconfigure()
    node.config.chmod(0o644)
    lab.plug("home")
    node.start()
    wait_state(node, "home")
    assert HOME_ADDRESS in lab.mn.addresses("wlan0")
    assert node.process.stop() == 0
    assert host_state(lab) == before
    said = node.process.output()
    assert "event=key-is-readable" in said and "mode=0644" in said
    assert said.rstrip().endswith("event=stopped")
    node.config.chmod(0o600)
    node.start()
    assert node.process.stop() == 0
    assert node.process.output().count("event=key-is-readable") == said.count("event=key-is-readable")


def test_comes_home_after_a_crash(lab, agent, node, witness):
    """The agent still defends the address: it must be told first, and not be probed."""
    before = host_state(lab)
    lab.plug("a")
    node.start()
    wait_state(node, "registered")
    node.process.stop(signal.SIGKILL)
    since = witness.mark()
    lab.plug("home")
    node.start()
    wait_state(node, "home")
    assert agent.updates[-1].lifetime == 0 and agent.updates[-1].source == HOME_ADDRESS
    assert not witness.heard(is_probe, since)
    assert node.process.stop() == 0
    assert host_state(lab) == before


def test_a_silent_agent_does_not_keep_a_node_from_its_home(lab, agent, node, witness):
    """Nothing is known of a binding: after a while the address is probed and used."""
    agent.script = [SILENT] * 100
    since = witness.mark()
    lab.plug("home")
    node.start()
    agent.wait_update(0)
    wait_state(node, "home")
    witness.wait(is_probe, "duplicate address detection for the home address", since)
    wait_for(lambda: pings(lab.host, None, HOME_ADDRESS), "the node to answer on its home link")


def test_does_not_share_its_address(lab, agent, node):
    """Another host at home has taken it: the node says so and keeps away."""
    lab.host.ip(f"address add {HOME_ADDRESS}/128 dev eth0 nodad")
    try:
        # no binding, so nobody has defended it; the answers may well reach the other host
        agent.script = [{"status": 133}] * 100
        lab.plug("home")
        node.start()
        wait_for(lambda: "address-in-use" in node.process.output(), "the error in the log")
        wait_for(lambda: HOME_ADDRESS not in lab.mn.addresses("wlan0"), "the address to be given up")
        assert state(node) == "returning"
    finally:
        lab.host.ip(f"address del {HOME_ADDRESS}/128 dev eth0")


def test_answers_unknown_messages(lab, agent, away):
    """RFC 6275, 9.2 and 9.3.3: a Binding Error, by its octets."""
    octets = bytes([59, 0, 200, 0, 0, 0, 0, 0])
    head = bytes(IPv6(src=HOME_AGENT, dst=agent.care_of, nh=mip6.MH, plen=8))
    since = agent.ears[0].mark()
    agent.send(head + mip6.with_checksum(octets, HOME_AGENT, agent.care_of))
    error = agent.ears[0].wait(lambda heard: mip6.mh_type(heard) == mip6.BE, "a Binding Error", since)
    assert error[40 + 6] == 2  # unrecognised type
    assert error[48:64] == bytes(16)
    assert mip6.mh_checksum_good(error[40:], agent.care_of, HOME_AGENT)


def test_points_at_a_wrong_field(lab, agent, away):
    """RFC 6275, 9.2: a Payload Proto that is not 59."""
    octets = bytes([6, 0, 0, 0, 0, 0, 0, 0])
    head = bytes(IPv6(src=HOME_AGENT, dst=agent.care_of, nh=mip6.MH, plen=8))
    sent = head + mip6.with_checksum(octets, HOME_AGENT, agent.care_of)
    since = agent.ears[0].mark()
    agent.send(sent)
    problem = IPv6(agent.ears[0].wait(lambda heard: ICMPv6ParamProblem in IPv6(heard), "a Parameter Problem", since))
    assert problem[ICMPv6ParamProblem].code == 0
    assert problem[ICMPv6ParamProblem].ptr == 40
    assert bytes(problem[ICMPv6ParamProblem].payload)[8:] == sent[8:]
    assert away.status()["signals"]["bad_fields"] == 1


def test_waits_when_its_agent_knows_no_mobility(lab, agent, node):
    """RFC 6275, 11.3.5: Parameter Problem, code 1. It goes on later by itself."""
    agent.script = [SILENT] * 100
    lab.plug("a")
    node.start()
    agent.wait_update(0)
    told = []

    def waits():
        """Every update is answered so: a wait may be over before it is seen."""
        if agent.updates[-1] not in told:
            told.append(agent.updates[-1])
            agent.send(bytes(IPv6(src=HOME_AGENT, dst=told[-1].source) / ICMPv6ParamProblem(
                code=1, ptr=mip6.octets_before_mh(told[-1].octets)) / told[-1].octets))
        return state(node) == "refused"
    wait_for(waits, "the node to wait")
    wait_for(lambda: node.status()["signals"]["parameter_problems"] == len(told), "all to be counted")
    agent.script = []
    wait_state(node, "registered")


def test_answers_solicitations_while_it_returns(lab, agent, away):
    """RFC 6275, 11.5.5: by unicast, for the agent must find the node to answer it."""
    agent.script = [SILENT] * 100
    ear = agent.ears[1]
    since = ear.mark()
    lab.plug("home")
    wait_for(lambda: agent.updates[-1].source == HOME_ADDRESS, "the deregistration")
    assert state(away) == "returning"
    pings(lab.gw, None, HOME_ADDRESS)  # makes the agent's kernel look for it

    def found(octets):
        packet = IPv6(octets)
        return ICMPv6ND_NA in packet and packet[ICMPv6ND_NA].tgt == HOME_ADDRESS
    packet = IPv6(ear.wait(found, "the answer to a solicitation", since))
    assert packet.dst != "ff02::1"
    assert (packet[ICMPv6ND_NA].S, packet[ICMPv6ND_NA].R) == (1, 0)
    assert packet[ICMPv6NDOptDstLLAddr].lladdr == lab.mn.mac("wlan0")
    agent.script = []
    wait_state(away, "home")


def test_gets_its_address_back_after_the_interface_was_down(lab, agent, node):
    lab.plug("home")
    node.start()
    wait_state(node, "home")
    updates = len(agent.updates)
    lab.mn.ip("link set wlan0 down")
    wait_state(node, "detached")
    lab.mn.ip("link set wlan0 up")
    wait_state(node, "home")
    wait_for(lambda: pings(lab.host, None, HOME_ADDRESS), "the node to answer again")
    assert len(agent.updates) == updates


def test_finds_its_interface_again(lab, agent, node):
    """Removed and created anew, as a plug-in radio is; prepared like the one before."""
    lab.plug("home")
    node.start()
    wait_state(node, "home")
    # The host is sure that it knows the way.
    lab.host.ip(f"neigh replace {HOME_ADDRESS} lladdr {lab.mn.mac('wlan0')} dev eth0 nud reachable")
    lab.mn.ip("link del wlan0")
    wait_state(node, "detached")
    veth(lab.mn, "wlan0", lab.air, "mn")
    lab.mn.sysctl({"net.ipv6.conf.wlan0.accept_dad": 1})
    lab.plug("home")
    wait_state(node, "home")
    wait_for(lambda: pings(lab.host, None, HOME_ADDRESS), "the node to answer again")
    assert lab.mn.run("sysctl", "-n", "net.ipv6.conf.wlan0.optimistic_dad").strip() == "1"
    lab.plug("a")
    wait_state(node, "registered")
    assert node.process.stop() == 0
    assert lab.mn.run("sysctl", "-n", "net.ipv6.conf.wlan0.optimistic_dad").strip() == "0"
    lab.mn.sysctl({"net.ipv6.conf.wlan0.optimistic_dad": 1, "net.ipv6.conf.wlan0.use_optimistic": 1})


def test_notices_a_move_without_loss_of_carrier(lab, agent, away):
    """The old router is silent, and another one speaks (RFC 6275, 11.5.1)."""
    lab.air.ip("link set mn master br-b")
    wait_for(lambda: agent.care_of and agent.care_of.startswith(VISITED_PREFIX["b"][:-1])
             and state(away) == "registered", "the registration from the other link")
    lab.air.ip("link set mn master br-home")
    wait_state(away, "home")
    lab.plug("home")


def test_bounds_updates_when_the_link_flaps(lab, agent, away):
    """RFC 6275, 11.8: no more than three a second, and the last place counts."""
    for _ in range(8):
        lab.plug("b")
        lab.plug("a")
    lab.plug("b")
    wait_for(lambda: agent.care_of and agent.care_of.startswith(VISITED_PREFIX["b"][:-1])
             and state(away) == "registered", "the registration from the last link")
    wait_for(lambda: pings(lab.cn, None, HOME_ADDRESS), "an answer from the home address")


def test_leaves_the_default_route_alone_when_told_to(lab, agent, node, tmp_path):
    text = node.config.read_text()
    node.config = tmp_path / "mn.cfg"
    node.config.write_text(text.replace("default_route = true", "default_route = false"))
    lab.plug("a")
    node.start()
    wait_state(node, "registered")
    route = lab.mn.run("ip", "-6", "route", "get", CN)
    assert "dev wlan0" in route and HOME_ADDRESS not in route
    wait_for(lambda: pings(lab.mn, HOME_ADDRESS, CN), "an answer to a ping from the home address")


def refused(lab, node, *command):
    """Runs dmm-mn, which must not start; returns what it says."""
    process = lab.mn.start(f"dmm-mn-{time.monotonic_ns()}", *command,
                           programs.program(node.build, "dmm-mn"), "--config", node.config)
    assert process.wait() == 1
    return process.output()


def test_says_why_it_does_not_start(lab, agent, away):
    """A second one; one without privileges; one without nft."""
    assert "another dmm-mn runs" in refused(lab, away)
    assert state(away) == "registered"
    assert away.process.stop() == 0
    assert "CAP_NET_ADMIN" in refused(lab, away, "setpriv", "--bounding-set",
                                      "-net_admin,-net_raw", "--inh-caps", "-net_admin,-net_raw")
    assert "nftables" in refused(lab, away, "env", "PATH=/nonexistent")


def test_ends_when_its_tunnel_is_taken_away(lab, agent, node):
    """It cannot go on, says so, and leaves nothing behind; a hangup is no reason to end."""
    before = host_state(lab)
    lab.plug("a")
    node.start()
    wait_state(node, "registered")
    node.process.send(signal.SIGHUP)
    wait_for(lambda: "hangup-ignored" in node.process.output(), "the hangup in the log")
    wait_state(node, "registered")
    lab.mn.ip("link del dmm0")
    assert node.process.wait() == 1
    assert "tunnel-gone" in node.process.output()
    assert host_state(lab) == before


def test_status_is_one_json_document(lab, agent, away):
    program = programs.program(away.build, "dmm-mn")
    document = json.loads(lab.mn.run(program, "--status", "--socket", "/run/dmm/mn.sock"))
    assert document["state"] == "registered"
    assert document["history"][-1]["to"] == "foreign"
    assert document["history"][-1]["signalling_ms"] > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", document["history"][-1]["time"])
    assert "000102" not in away.process.output()  # the key
