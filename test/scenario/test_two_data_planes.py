"""Two data planes on hosts of their own, with the example configurations: the nearest one serves a
node, what arrives at the other is relayed once, and either of them, or control, may die."""

import os
import signal
import socket
import threading
import time

import pytest
from scapy.layers.inet import UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.packet import Raw

from lab import programs
from lab.flows import Pinging
from lab.system import LabError, wait_for
from lab.topology import CN, HOME_ADDRESS
from lab.two_planes import ADDRESS, NEAREST, TwoPlaneLab, TwoPlanes
from mip6 import flow, reference, summary, udp_from
from peer import Ear, Peer, inner_of
from rig import end, network
from two_interfaces import TwoInterfaces

ALTERNATE_CARE_OF_ADDRESS = 3
EXPERIMENTAL = 18


@pytest.fixture(scope="module")
def lab(build, tmp_path_factory, request):
    with network(TwoPlaneLab, request, tmp_path_factory, 240) as made:
        made.radio("mn2")
        yield made


@pytest.fixture(scope="module")
def gateway(lab, build):
    started = TwoPlanes(lab, build)
    for name, plane in started.planes.items():
        plane.env = {"DMM_FAULT_FILE": str(fault_file(plane))}
    started.start()
    yield started
    end(*started.planes.values(), started.control)


def fault_file(plane):
    return plane.node.directory / "fault"


@pytest.fixture(autouse=True)
def whole(gateway):
    """Everything runs and serves before a test begins, however the last one ended."""
    wait_for(gateway.serving, "both data planes to serve", 60)


@pytest.fixture
def second_peer(lab, gateway):
    """Another mobile node played by the test."""
    made = Peer(lab, "mn2", "98")
    yield made
    lab.plug(None, "mn2")
    made.close()


@pytest.fixture
def wire(lab):
    """wire(NODE, INTERFACE): hears there what arrives; sends whole packets from there."""
    class Wire:
        def __init__(self, node, interface):
            self.ear = Ear(node, interface)
            self.raw = node.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)

        def send(self, packet):
            octets = bytes(packet)
            self.raw.sendto(octets, (socket.inet_ntop(socket.AF_INET6, octets[24:40]), 0))

    made = []

    def make(node, interface):
        made.append(Wire(node, interface))
        return made[-1]

    yield make
    for one in made:
        one.ear.close()
        one.raw.close()


@pytest.fixture
def pinging(lab):
    """A ping of 100 packets a second from the correspondent to the home address of dmm-mn."""
    made = Pinging(lab)
    yield made
    made.close()


def outer_source(octets):
    return socket.inet_ntop(socket.AF_INET6, octets[8:24])


def tunnelled(payload):
    return lambda heard: inner_of(heard) is not None and heard.endswith(payload)


def told(answer):
    """The tunnel address that a Binding Acknowledgement tells."""
    return socket.inet_ntop(socket.AF_INET6, answer.options[ALTERNATE_CARE_OF_ADDRESS])


def nearest(peer, node, link):
    """Registers with the data plane that is nearest to a link; one that was slow to answer is passed over.
    Returns the acknowledgement."""
    return wait_for(lambda: told(answer := peer.register(node)) == ADDRESS[NEAREST[link]] and answer,
                    f"{NEAREST[link]} to serve", 60, 0.5)


def register(gateway, peer, node, link):
    """The same, and waits until the data plane knows it, too, that does not serve: only that which
    serves is waited for before the acknowledgement."""
    answer = nearest(peer, node, link)
    wait_for(gateway.synchronised, "both data planes to know it")
    return answer


def serving(control, home):
    binding = control.binding(home)
    return binding and binding["data_plane"]


def downlink(wire_at_cn, peer, home, payload):
    """Sends a packet to a home address; returns it as the node gets it, in its tunnel."""
    since = peer.ear.mark()
    wire_at_cn.send(IPv6(src=CN, dst=home) / UDP(sport=7, dport=9) / Raw(payload))
    return peer.ear.wait(tunnelled(payload), "the tunnelled packet", since)


def uplink(peer, answer, inner):
    peer.send(bytes(IPv6(src=peer.care_of, dst=told(answer), nh=41, hlim=64) / inner))


@pytest.mark.parametrize("link", ["a", "b"])
def test_the_nearest_serves(lab, gateway, peer, subscriber, control, wire, link):
    cn = wire(lab.cn, "eth0")
    node = subscriber()
    home = node["home_addresses"][0]
    peer.attach(link)
    answer = register(gateway, peer, node, link)
    assert told(answer) == ADDRESS[NEAREST[link]]
    assert answer.authentic(bytes.fromhex(node["key"]), peer.care_of, home)
    assert serving(control, home) == NEAREST[link]
    assert outer_source(downlink(cn, peer, home, b"nearest!")) == ADDRESS[NEAREST[link]]
    since = cn.ear.mark()
    uplink(peer, answer, IPv6(src=home, dst=CN) / UDP(sport=9, dport=7) / Raw(b"upwards!"))
    cn.ear.wait(lambda heard: heard.endswith(b"upwards!"), "the packet of the node", since)


def test_relayed_once_to_the_one_that_serves(lab, gateway, peer, subscriber, wire):
    """Downlink arrives at dp1, which attracts the home prefix; dp2 serves."""
    cn, first, second = wire(lab.cn, "eth0"), wire(lab.core, "gw"), wire(lab.core, "gw2")
    node = subscriber()
    home = node["home_addresses"][0]
    peer.attach("b")
    register(gateway, peer, node, "b")
    since = first.ear.mark(), second.ear.mark(), peer.ear.mark()
    for number in range(10):
        downlink(cn, peer, home, b"relay%03d" % number)

    def seen(ear, mark):
        return [(outer_source(octets), socket.inet_ntop(socket.AF_INET6, octets[24:40]))
                for octets in ear.heard(lambda heard: inner_of(heard) and b"relay0" in heard, mark)]
    for ear, mark in zip((first.ear, second.ear, peer.ear), since):
        wait_for(lambda ear=ear, mark=mark: len(seen(ear, mark)) >= 10, "each ear to hear all")
    assert seen(first.ear, since[0]) == [(ADDRESS["dp1"], ADDRESS["dp2"])] * 10
    assert seen(second.ear, since[1]) == [(ADDRESS["dp2"], peer.care_of)] * 10
    assert seen(peer.ear, since[2]) == [(ADDRESS["dp2"], peer.care_of)] * 10


def test_nodes_of_different_data_planes_talk(gateway, peer, second_peer, subscriber):
    ends = []
    for each, link in ((peer, "a"), (second_peer, "b")):
        node = subscriber()
        each.attach(link)
        ends.append((each, node["home_addresses"][0], register(gateway, each, node, link)))
    for (one, home, answer), (other, other_home, _), plane in (
            (ends[0], ends[1], "dp2"), (ends[1], ends[0], "dp1")):
        since = other.ear.mark()
        uplink(one, answer, IPv6(src=home, dst=other_home) / ICMPv6EchoRequest(data=b"to you, " + plane.encode()))
        heard = other.ear.wait(tunnelled(b"to you, " + plane.encode()), "the other's ping", since)
        assert outer_source(heard) == ADDRESS[plane]
        assert (inner_of(heard).src, inner_of(heard).dst) == (home, other_home)


def test_never_relayed_twice(lab, gateway, peer, subscriber, wire):
    """dp1 serves; what comes to dp2 relayed, because dp2 served when it was sent, goes to the node."""
    core = wire(lab.core, "gw2")
    node = subscriber()
    home = node["home_addresses"][0]
    peer.attach("a")
    register(gateway, peer, node, "a")
    since, mark = core.ear.mark(), peer.ear.mark()
    core.send(IPv6(src=ADDRESS["dp1"], dst=ADDRESS["dp2"], nh=41)
              / IPv6(src=CN, dst=home) / UDP(dport=9) / Raw(b"in flight"))
    heard = peer.ear.wait(tunnelled(b"in flight"), "the packet that was in flight", mark)
    assert outer_source(heard) == ADDRESS["dp2"]
    wait_for(lambda: core.ear.heard(lambda heard: b"in flight" in heard, since), "it to leave dp2")
    for left in core.ear.heard(lambda heard: b"in flight" in heard, since):
        assert socket.inet_ntop(socket.AF_INET6, left[24:40]) == peer.care_of


def test_nobody_else_relays(lab, peer, subscriber, wire, counted):
    core = wire(lab.core, "gw2")
    node = subscriber()
    peer.attach("b")
    peer.register(node)
    mark = peer.ear.mark()
    core.send(IPv6(src=CN, dst=ADDRESS["dp2"], nh=41)
              / IPv6(src=CN, dst=node["home_addresses"][0]) / UDP(dport=9) / Raw(b"smuggled"))
    wait_for(lambda: counted("unknown_source") == 1, "the drop to be counted")
    assert not peer.ear.heard(lambda heard: b"smuggled" in heard, mark)


@pytest.fixture
def node(mobile_node):
    mobile_node.start()
    return mobile_node


def at_home_with(node, control, plane):
    """Whether dmm-mn is bound, served by that data plane, and knows it."""
    status = node.status()
    return (status is not None and status["state"] == "registered"
            and status["tunnel_address"] == ADDRESS[plane]
            and serving(control, HOME_ADDRESS) == plane)


def go(lab, node, control, link):
    lab.plug(link)
    try:
        wait_for(lambda: at_home_with(node, control, NEAREST[link]), f"registration from link {link}", 60)
    except LabError as error:
        raise LabError(f"{error}; the node says {node.status()}, control has "
                       f"{control.binding(HOME_ADDRESS)}, {control.drops()}") from None


def test_mobile_node_follows_its_data_plane(lab, node, control, pinging):
    """Ping and a checksummed download go on from data plane to data plane."""
    go(lab, node, control, "a")
    pinging.start()
    download = pinging.download()
    for link in ("b", "a", "b"):
        go(lab, node, control, link)
        since = time.time_ns()
        wait_for(lambda: pinging.answered(since) >= 20, f"the ping to go on at link {link}")
        got = download.octets()
        wait_for(lambda: download.octets() > got + 100_000, f"the download to go on at link {link}")
    assert download.intact()


@pytest.fixture
def reconfigured(gateway):
    """reconfigured(PAIR...): control runs with these changes of its configuration until the end."""
    control, config = gateway.control, gateway.control.config

    def restart():
        control.process.stop()
        control.start()
        wait_for(gateway.serving, "both data planes to serve", 60)

    def use(*changes):
        control.reconfigure(*changes)
        restart()
    yield use
    control.config = config
    restart()


def test_the_other_option_tells_of_the_data_plane(lab, reconfigured, second_peer, subscriber, control,
                                                  node):
    """Alternate home agent tunnel address: inside the experimental option, laid out as an alternate
    care-of address; dmm-mn tunnels to what it says."""
    reconfigured(('= "alternate-care-of-address";', '= "alternate-home-agent-tunnel-address";'))
    played = subscriber()
    second_peer.attach("b")

    def told_otherwise():
        answer = second_peer.register(played)
        assert ALTERNATE_CARE_OF_ADDRESS not in answer.options
        return socket.inet_ntop(socket.AF_INET6, answer.options[EXPERIMENTAL]) == ADDRESS["dp2"] and answer

    answer = wait_for(told_otherwise, "dp2 to serve", 60, 0.5)
    assert answer.authentic(bytes.fromhex(played["key"]), second_peer.care_of, played["home_addresses"][0])
    for link in ("a", "b"):
        go(lab, node, control, link)


def test_nodes_can_be_told_by_an_acknowledgement(lab, gateway, reconfigured, control, node):
    """That nobody asked for, when another data plane serves; there is no request to update."""
    reconfigured(('tell = "binding-refresh-request";', 'tell = "binding-acknowledgement";'))
    go(lab, node, control, "b")
    lost = gateway.planes["dp2"].process
    lost.send(signal.SIGSTOP)
    try:
        wait_for(lambda: at_home_with(node, control, "dp1"), "the node to be told of the other", 60)
        assert node.status()["signals"]["refresh_requests"] == 0
    finally:
        lost.send(signal.SIGCONT)
    wait_for(lambda: at_home_with(node, control, "dp2"), "the node to be told of its own", 60)


def test_nothing_in_flight_is_dropped_between_data_planes(lab, node, control, wire, counted):
    """Thousands of packets a second arrive while the node goes to and fro."""
    cn, moving = wire(lab.cn, "eth0"), True
    octets = bytes(IPv6(src=CN, dst=HOME_ADDRESS) / UDP(sport=7, dport=9) / Raw(b"in flight"))

    def flood():
        while moving:
            for _ in range(32):
                cn.raw.sendto(octets, (HOME_ADDRESS, 0))
            time.sleep(0.002)

    go(lab, node, control, "a")
    flooding = threading.Thread(target=flood)
    flooding.start()
    try:
        for link in ("b", "a"):
            go(lab, node, control, link)
    finally:
        moving = False
        flooding.join()
    assert counted("relay_twice") == 0
    assert counted("relay_unknown") == 0


@pytest.fixture
def figures(pinging, record_property):
    """figures(since, PREFIX): what the ping lost since then, also into the test's report."""
    def make(since, prefix=""):
        values = pinging.loss(since).as_json()
        for name, value in values.items():
            record_property(prefix + name, value)
        return values
    return make


def drops(control, plane):
    """What a data plane has dropped since its start, by reason."""
    return next(p["drops"] for p in control.stats()["data_planes"] if p["name"] == plane)


def test_the_data_plane_that_serves_dies(lab, gateway, node, control, pinging, figures):
    """Its nodes go to the other one and know it; when it is back it gets them again, and what was
    lost then is counted."""
    dying = gateway.planes["dp2"]
    go(lab, node, control, "b")
    pinging.start()
    killed = time.time_ns()
    dying.process.stop(signal.SIGKILL)
    wait_for(lambda: at_home_with(node, control, "dp1"), "the node to be served by the other", 60)
    pinging.goes_on("the ping to go on after the death")
    figures(killed, "failover_")
    assert gateway.shown("dp2")["state"] == "down"

    started = time.time_ns()
    dying.start()
    wait_for(lambda: at_home_with(node, control, "dp2"), "the node to be served by its own", 60)
    pinging.goes_on("the ping to go on after the return")
    # dp1 relays from its next packet on, which may be before dp2 has heard that it serves.
    early = (drops(control, "dp2") or {}).get("relay_twice", 0)
    assert figures(started, "return_")["lost"] <= early


@pytest.fixture
def two(lab, gateway, peer, second_peer, subscriber, control, wire):
    """A node with two paths, a data plane for each, and a flow by each."""
    made = TwoInterfaces(control, subscriber(), peer, second_peer, wire(lab.cn, "eth0"))
    made.ask_nearest([(1, 0), (2, 0)], flow(1, 100, reference(1), udp_from(5001)),
                     flow(2, 200, reference(2), udp_from(5002)))
    wait_for(gateway.synchronised, "both data planes to know it")
    assert made.served() == ["dp1", "dp2"]
    assert made.comes_by(5001) == (1, "dp1")
    assert made.comes_by(5002) == (2, "dp2")
    return made


def test_flows_of_two_paths_when_a_data_plane_dies(gateway, two):
    """The flow by the path of the one that died goes by the other data plane, to the interface that it
    went to; the other path and its flow are not touched. When it is back it has the flow again."""
    flows, first = two.flows(), two.lasting(1)
    assert flows == [(1, [1], True), (2, [2], True)]

    dying = gateway.planes["dp2"]
    dying.process.stop(signal.SIGKILL)
    wait_for(lambda: two.comes_by(5002) == (2, "dp1"), "the flow to go by the other data plane", 60)
    assert two.comes_by(5001) == (1, "dp1")
    assert two.served() == ["dp1", "dp1"]
    assert (two.flows(), two.lasting(1)) == (flows, first)
    # The node learns of it, keeps its flows, and changes nothing by that.
    assert two.ask(summary(1, 2)) == ([], [ADDRESS["dp1"]] * 2)
    first = two.lasting(1)

    dying.start()
    wait_for(lambda: two.served() == ["dp1", "dp2"], "it to serve its path again", 60)
    wait_for(gateway.synchronised, "both data planes to know it")
    wait_for(lambda: two.comes_by(5002) == (2, "dp2"), "the flow to come by it again", 60)
    assert two.comes_by(5001) == (1, "dp1")
    assert (two.flows(), two.lasting(1)) == (flows, first)
    two.ask_nearest([], summary(1, 2))


def test_flows_when_the_data_plane_of_the_best_path_dies(lab, gateway, two):
    """It had drawn the home prefix, too, which the network then sends to the other. The flow by its path,
    and what is of no flow and takes the best path, go on to the interface that they went to; the other
    path is not touched, and its flow no longer relayed. When it is back it has its path again."""
    assert two.comes_by(5003) == (1, "dp1")
    flows, second = two.flows(), two.lasting(2)
    dying = gateway.planes["dp1"]
    dying.process.stop(signal.SIGKILL)
    lab.attract("dp2")
    try:
        for port, path in ((5001, 1), (5003, 1), (5002, 2)):
            wait_for(lambda port=port, path=path: two.comes_by(port) == (path, "dp2"), f"{port} to go on", 60)
        assert two.served() == ["dp2", "dp2"]
        assert (two.flows(), two.lasting(2)) == (flows, second)
        # The interface is lost as well: all that came by it comes by the other.
        assert two.ask_for(2, summary(1, 2)) == []
        wait_for(lambda: two.comes_by(5001) == (2, "dp2"), "the flow to come by the other path", 60)
        assert two.comes_by(5003) == (2, "dp2")
        assert two.flows() == [(1, [1], False), (2, [2], True)]
    finally:
        dying.start()
        wait_for(gateway.synchronised, "it to be synchronised", 60)
        lab.attract("dp1")
    two.ask_nearest([], summary(1, 2))
    wait_for(lambda: two.served() == ["dp1", "dp2"], "each to serve its path again", 60)
    for port, came in ((5001, (1, "dp1")), (5003, (1, "dp1")), (5002, (2, "dp2"))):
        wait_for(lambda port=port, came=came: two.comes_by(port) == came, f"{port} to come as before", 60)
    assert two.flows() == flows


def test_the_data_plane_that_serves_hangs(lab, gateway, node, control, pinging, figures):
    """Nothing tells that it is gone but its silence, as when a host or the way to it is lost."""
    hanging = gateway.planes["dp2"]
    go(lab, node, control, "b")
    pinging.start()
    stopped = time.time_ns()
    hanging.process.send(signal.SIGSTOP)
    try:
        wait_for(lambda: at_home_with(node, control, "dp1"), "the node to be served by the other", 60)
        pinging.goes_on("the ping to go on without it")
        figures(stopped, "silence_")
        assert gateway.shown("dp2")["last_fault"]["reason"] == "silent"
    finally:
        hanging.process.send(signal.SIGCONT)


def test_the_data_plane_that_attracts_restarts(lab, gateway, node, control, pinging, figures):
    """What relays for a node dies and comes back; the node stays where it is."""
    dying = gateway.planes["dp1"]
    go(lab, node, control, "b")
    pinging.start()
    before = control.lasting()
    dying.process.stop(signal.SIGKILL)
    started = time.time_ns()
    dying.start()
    pinging.goes_on("the ping to go on after the restart")
    figures(started, "restart_")
    wait_for(gateway.synchronised, "it to be synchronised")
    assert control.lasting()[HOME_ADDRESS] == before[HOME_ADDRESS]
    assert at_home_with(node, control, "dp2")


def test_a_gateway_is_lost_and_the_network_goes_round_it(lab, gateway, node, control, pinging, figures):
    """Routing sends the home prefix and the home agent address to the gateway that is left."""
    dying = gateway.planes["dp1"]
    go(lab, node, control, "a")
    pinging.start()
    killed = time.time_ns()
    dying.process.stop(signal.SIGKILL)
    lab.attract("dp2")
    try:
        wait_for(lambda: at_home_with(node, control, "dp2"), "the node to be served by the other", 60)
        pinging.goes_on("the ping to go on by the other gateway")
        figures(killed, "gateway_")
    finally:
        dying.start()
        wait_for(gateway.synchronised, "it to be synchronised")
        lab.attract("dp1")
    wait_for(lambda: at_home_with(node, control, "dp1"), "the node to be served by its own", 60)
    pinging.goes_on("the ping to go on after the return")


def test_control_dies(lab, gateway, node, control, pinging, figures):
    """Forwarding goes on with nothing lost, everything acknowledged is there afterwards, and data
    planes keep the tables that they have."""
    go(lab, node, control, "b")
    pinging.start()
    before, epoch = control.lasting(), control.ask("status")["epoch"]
    killed = time.time_ns()
    control.process.stop(signal.SIGKILL)
    wait_for(lambda: programs.logged(gateway.planes["dp2"].process, killed, "event=control-lost"),
             "data planes to notice")
    pinging.goes_on("the ping to go on without control")
    control.start()
    wait_for(gateway.synchronised, "the data planes to be synchronised")
    pinging.goes_on("the ping to go on after the restart")
    assert figures(killed, "control_")["lost"] == 0
    assert control.lasting() == before
    assert control.ask("status")["epoch"] != epoch
    for name in ADDRESS:
        assert gateway.shown(name)["sync"] == "adopted"
    assert {item["result"] for item in audited(control).values()} == {"equal"}


def test_a_node_that_moved_while_control_was_dead(lab, gateway, node, control, pinging):
    go(lab, node, control, "b")
    control.process.stop(signal.SIGKILL)
    lab.plug("a")
    wait_for(lambda: node.status()["state"] == "registering", "the node to ask", 60)
    control.start()
    wait_for(lambda: at_home_with(node, control, "dp1"), "the node to be answered", 60)
    pinging.start()


def test_stopped_data_plane_holds_up_nobody(gateway, peer, second_peer, subscriber, control):
    """Nodes of the other one are served as ever; its own are served by the other: at once those that
    come to it, and those that it had when its silence is noticed."""
    stuck = gateway.planes["dp2"].process
    near, far, fresh = subscriber(), subscriber(), subscriber()
    peer.attach("a")
    second_peer.attach("b")
    peer.register(near)
    nearest(second_peer, far, "b")
    stuck.send(signal.SIGSTOP)
    try:
        peer.register(near)
        assert told(second_peer.register(fresh)) == ADDRESS["dp1"]
        wait_for(lambda: gateway.shown("dp2")["state"] == "down", "the stopped one to be given up")
        wait_for(lambda: serving(control, far["home_addresses"][0]) == "dp1", "its node to be served")
        assert told(second_peer.register(far)) == ADDRESS["dp1"]
        peer.register(near)
        wait_for(lambda: gateway.shown("dp1")["lag"] == 0, "the other one to have acknowledged everything")
    finally:
        stuck.send(signal.SIGCONT)
    wait_for(lambda: serving(control, far["home_addresses"][0]) == "dp2", "it to get its node back", 60)


def audited(control):
    """By data plane, what the first audit found that could ask it: not while it gets all anew."""
    found = {}

    def complete():
        for item in control.ask("dp", "audit")["data_planes"]:
            if item["result"] != "unknown":
                found.setdefault(item["name"], item)
        return set(found) == set(ADDRESS) and found
    return wait_for(complete, "an audit of each data plane")


def test_audit(peer, second_peer, subscriber, control):
    """Data planes say that they forward as they were told, also right after changes."""
    for each, link in ((peer, "a"), (second_peer, "b")):
        each.attach(link)
        each.register(subscriber())
    for item in audited(control).values():
        assert (item["result"], item["healing"]) == ("equal", False)
        wanted = {kind["kind"]: kind["wanted"] for kind in item["kinds"]}
        assert wanted["subscriber"] >= 2 and wanted["path"] >= 2
    assert "equal" in control.ctl("dp", "audit")


@pytest.mark.parametrize("kind", ["subscriber", "path", "subscriber-id", "path-id", "prefix"])
def test_audit_finds_and_heals_a_flipped_entry(lab, build, gateway, peer, subscriber, control, wire, kind):
    """An entry of dp2 leads elsewhere, or is not found: packets are lost until an audit has found it."""
    if b"DMM_FAULT_FILE" not in programs.program(build, "dmm-dp").read_bytes():
        pytest.skip("the data plane was built without fault_hooks")
    cn, out = wire(lab.cn, "eth0"), wire(lab.core, "gw2")
    node = subscriber()
    home = node["home_addresses"][0]
    peer.attach("b")
    register(gateway, peer, node, "b")
    binding = control.binding(home)
    table = "path" if kind.startswith("path") else "subscriber"
    plane = gateway.planes["dp2"]
    fresh = fault_file(plane).with_suffix(".new")
    fresh.write_text(f"{kind} {binding[table + '_id']:x}\n")
    os.rename(fresh, fault_file(plane))
    wait_for(lambda: not fault_file(plane).exists(), "the entry to be damaged")
    assert "event=fault" in plane.process.output() and "done=no" not in plane.process.output()
    if kind == "subscriber":
        since = out.ear.mark()
        cn.send(IPv6(src=CN, dst=home) / UDP(dport=9) / Raw(b"misled"))
        led = out.ear.wait(tunnelled(b"misled"), "the packet that is led elsewhere", since)
        assert socket.inet_ntop(socket.AF_INET6, led[24:40]) != peer.care_of

    found = audited(control)
    assert found["dp1"]["result"] == "equal"
    assert (found["dp2"]["result"], found["dp2"]["healing"]) == ("differs", True)
    assert table in [k["kind"] for k in found["dp2"]["kinds"] if not k["equal"]]
    wait_for(lambda: gateway.synced("dp2") and audited(control)["dp2"]["result"] == "equal", "it to be healed")
    downlink(cn, peer, home, b"healed!!")
