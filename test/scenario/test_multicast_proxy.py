"""Multicast of Proxy Mobile IPv6 (RFC 6224): hosts that know nothing of mobility listen with Linux's
sockets; the access gateways speak for them, the anchor is their querier and copies once a gateway."""

import json
import socket
import time

import pytest
from scapy.layers.inet6 import ICMPv6MLDMultAddrRec, ICMPv6MLReport2, IPv6, IPv6ExtHdrHopByHop, RouterAlert

from lab.capture import Capture
from lab.proxy import (ANCHOR, CORE_AT_ANCHOR, GATEWAY, LINKS, MAC, ROUTER, SECOND_ANCHOR, AccessGateway, Anchor,
                       SecondAnchor, global_address)
from lab.system import run, wait_for
from proxy_rig import PATIENT, lab  # noqa: F401
from rig import stop
from test_multicast import FORBIDDEN, Source, hears, records_of
from test_node_multicast import ANY, PORT, SPECIFIC, Listener

HUGEPAGES = 240
OTHER_SENDER = "2001:db8:1::fe"
SAID = "ff18::9:9"  # of the scope of an organization
CORE_AT_SECOND_ANCHOR = "2001:db8:2::ff"
OTHERS_MN_ID, OTHERS_MAC = "host3@example.net", "02:00:00:00:01:03"  # a host of the second anchor
QUICK = """log_level = "info";
multicast = { max_groups = 8; groups = ["ff00::/8", "ff18::/16"];
	querier = { interval = "2s"; response = "500ms"; last_listener = "100ms"; }; };"""


@pytest.fixture(scope="module")
def capture(lab):
    made = Capture(lab.core, "lma", "tunnels", "ip6")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def anchor(lab, build, capture):
    started = Anchor(lab, build)
    started.control.reconfigure(PATIENT, ('log_level = "info";', QUICK))
    started.start()
    yield started
    stop(started)


@pytest.fixture(scope="module")
def gateways(lab, build, anchor):
    started = {link: AccessGateway(lab, build, link) for link in LINKS[:2]}
    for gateway in started.values():
        gateway.control.reconfigure(('probe = "3s"', 'probe = "1s"'), ("probes = 3", "probes = 6"),
                                    ('log_level = "info";', QUICK), second_anchor(gateway.link),
                                    ("nodes = (", f'nodes = ({{ mn_id = "{OTHERS_MN_ID}"; link_address = '
                                     f'"{OTHERS_MAC}"; anchor = "lma2"; }},'),
                                    *((f'link_address = "{MAC[n]}"; }}', f'link_address = "{MAC[n]}"; '
                                       'anchor = "lma"; }') for n in (1, 2)))
        gateway.start()
    yield started
    for gateway in started.values():
        stop(gateway)


def second_anchor(link):
    return ("anchors = (", f'anchors = ({{ name = "lma2"; address = "{SECOND_ANCHOR}"; spi = 100{link}; '
            f'key_file = "/etc/dmm/mag{link}.key"; }},')


class CoreSource(Source):
    """A program at the anchor's core that sends to groups."""

    def __init__(self, lab, address=CORE_AT_ANCHOR):
        lab.core.ip(f"address replace {address}/64 dev lma nodad")
        super().__init__(lab, address)


@pytest.fixture
def source(lab):
    made = CoreSource(lab)
    yield made
    made.close()


IPV6_MULTICAST_ALL = 29  # of Linux: 0 for what this socket has joined alone


class HostListener(Listener):
    """A program on a host, at a radio of it."""

    def __init__(self, node, interface="wlan0"):
        self.index = node.ip_json("link", "show", "dev", interface)[0]["ifindex"]
        self.socket = node.socket(socket.AF_INET6, socket.SOCK_DGRAM, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.setsockopt(socket.IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0)
        self.socket.bind(("::", PORT))
        self.socket.setblocking(False)


@pytest.fixture
def hosts(lab, anchor, gateways):
    """Programs on mn and mn2; both are nowhere in the end."""
    for part in (anchor, *gateways.values()):
        part.require()
    made = [HostListener(lab.mn), HostListener(lab.mn2)]
    yield made
    for listener, name in zip(made, ("mn", "mn2")):
        listener.close()
        lab.plug(None, name)
        lab.node(name).ip("address flush dev wlan0 scope global")
    for gateway in gateways.values():
        for attachment in gateway.attachments():
            gateway.control.ctl("mag", "detach", attachment["mn_id"], check=False)


def arrive(lab, gateways, link, number=1):
    """The host moves to a link and is served there."""
    name = "mn" if number == 1 else "mn2"
    lab.plug(link, name)
    wait_for(lambda: (gateways[link].attachment(number) or {}).get("state") == "attached",
             "the host to be attached")
    wait_for(lambda: global_address(lab.node(name)), "the host to have an address")


def copied(part):
    """What is copied: {(group, source or None): members}."""
    return {(item["group"], item["source"]): item["members"]
            for item in part.control.ask("mcast", "show")["groups"]}


def tunnelled(capture, payload):
    """Where copies of a message went in tunnels of the anchor, in the order of their leaving."""
    frames = [frame for _, frame in capture.packets() if payload in frame]
    outer = [frame[14:] for frame in frames if frame[14 + 6] == socket.IPPROTO_IPV6]
    return [socket.inet_ntop(socket.AF_INET6, packet[24:40]) for packet in outer]


def test_one_copy_for_a_gateway(lab, anchor, gateways, hosts, source, capture):
    arrive(lab, gateways, "1")
    arrive(lab, gateways, "1", 2)
    for listener in hosts:
        listener.join(ANY)
    wait_for(lambda: copied(anchor) == {(ANY, None): 1}, "the anchor to be told")
    for listener in hosts:
        hears(listener, source, ANY, "the group on link 1")
    wait_for(lambda: copied(gateways["1"]) == {(ANY, None): 1}, "the gateway to copy once")
    for message in (b"only one of these", b"the end of it"):
        source.send(ANY, message)
    for listener in hosts:
        assert listener.wait(b"the end of it").count(b"only one of these") == 1
    wait_for(lambda: tunnelled(capture, b"the end of it"), "it to be captured")
    assert tunnelled(capture, b"only one of these") == [GATEWAY["1"]]
    # The state of one of them ends with it, that of the other stays.
    hosts[1].leave(ANY)
    wait_for(lambda: copied(anchor) == {(ANY, None): 1}, "the group to be wanted by the other")
    hears(hosts[0], source, ANY, "the group that one still wants")
    hosts[0].leave(ANY)
    wait_for(lambda: copied(anchor) == {} == copied(gateways["1"]), "the group to be left")


def test_sources_are_filtered(lab, anchor, gateways, hosts, source):
    other = CoreSource(lab, OTHER_SENDER)
    arrive(lab, gateways, "1")
    hosts[0].join_source(SPECIFIC, CORE_AT_ANCHOR)
    wait_for(lambda: copied(anchor) == {(SPECIFIC, CORE_AT_ANCHOR): 1}, "the source to be wanted")
    hears(hosts[0], source, SPECIFIC, "the source")
    other.send(SPECIFIC, b"from elsewhere")
    hears(hosts[0], source, SPECIFIC, "the source again")
    arrive(lab, gateways, "1", 2)
    hosts[1].join_source(SPECIFIC, OTHER_SENDER)
    wait_for(lambda: copied(anchor) == {(SPECIFIC, CORE_AT_ANCHOR): 1, (SPECIFIC, OTHER_SENDER): 1},
             "both sources to be wanted")
    hears(hosts[1], other, SPECIFIC, "the other source")
    other.close()


def test_groups_follow_the_host(lab, anchor, gateways, hosts, source):
    """Its new gateway asks, and the one before forgets."""
    arrive(lab, gateways, "1")
    hosts[0].join(ANY)
    hears(hosts[0], source, ANY, "the group on link 1")
    for link, before in (("2", "1"), ("1", "2")):
        arrive(lab, gateways, link)
        hears(hosts[0], source, ANY, f"the group on link {link}")
        wait_for(lambda: copied(gateways[before]) == {}, "the gateway before to forget it")
        wait_for(lambda: copied(anchor) == {(ANY, None): 1}, "one gateway to want it")
    wait_for(lambda: [member["gateway"] for member in anchor.control.ask("mcast", "members", ANY)["listeners"]]
             == [GATEWAY["1"]], "that to be the one of link 1")
    # The anchor and its data plane start again: the gateway answers the first query.
    for process in (anchor.control.process, anchor.data_plane.process):
        process.send(9)
        process.wait()
    anchor.control.start()
    anchor.data_plane.start()
    wait_for(anchor.synchronised, "the data plane to be synchronised")
    hears(hosts[0], source, ANY, "the group after a restart of the anchor")
    # So does the gateway, and asks the host.
    for process in (gateways["1"].control.process, gateways["1"].data_plane.process):
        process.send(9)
        process.wait()
    gateways["1"].control.start()
    gateways["1"].data_plane.start()
    wait_for(gateways["1"].synchronised, "the data plane to be synchronised")
    hears(hosts[0], source, ANY, "the group after a restart of the gateway")


@pytest.fixture
def second_interface(lab, hosts):
    """A program on another radio of the host, which nothing else of the laboratory has."""
    lab.radio("mn", "wlan1", end="mn-b")
    lab.mn.ip("link set wlan1 down", f"link set wlan1 address {MAC[2]}", "link set wlan1 up")
    made = HostListener(lab.mn, "wlan1")
    yield made
    made.close()
    lab.mn.ip("link del wlan1")


def test_interfaces_have_groups_of_their_own(lab, anchor, gateways, hosts, second_interface, source):
    """RFC 6224, 4.5: what one interface of a host listens to follows that one alone."""
    first = hosts[0]
    arrive(lab, gateways, "1")
    lab.plug("2", "mn-b")
    wait_for(lambda: (gateways["2"].attachment(2) or {}).get("state") == "attached",
             "the other interface to be attached")
    first.join(ANY)
    second_interface.join(SPECIFIC)
    hears(first, source, ANY, "the group of the first interface")
    hears(second_interface, source, SPECIFIC, "that of the second one")
    wait_for(lambda: copied(gateways["1"]) == {(ANY, None): 1}, "the first group to be on link 1 alone")
    wait_for(lambda: copied(gateways["2"]) == {(SPECIFIC, None): 1}, "the second one to be on link 2 alone")
    # Each brings to the gateway of the other what it is asked for, and no more.
    for link in ("2", "1"):
        arrive(lab, gateways, link)
        hears(first, source, ANY, f"the group on link {link}")
        hears(second_interface, source, SPECIFIC, "the group of the interface that did not move")
    wait_for(lambda: copied(gateways["2"]) == {(SPECIFIC, None): 1}, "the gateway to forget the first one")
    lab.plug("1", "mn-b")
    wait_for(lambda: (gateways["1"].attachment(2) or {}).get("state") == "attached",
             "the other interface to be attached")
    hears(second_interface, source, SPECIFIC, "the group of the second interface on link 1")
    wait_for(lambda: copied(gateways["2"]) == {}, "the gateway before to forget it")
    wait_for(lambda: copied(gateways["1"]) == {(ANY, None): 1, (SPECIFIC, None): 1}, "both to be on link 1")


@pytest.fixture
def others(lab, build, hosts):
    """Another anchor, and a program on a host of it, on link 1."""
    second = SecondAnchor(lab, build)
    second.control.reconfigure(('log_level = "info";', QUICK))
    second.start()
    lab.radio("mn3")
    lab.node("mn3").ip("link set wlan0 down", f"link set wlan0 address {OTHERS_MAC}", "link set wlan0 up")
    listener = HostListener(lab.node("mn3"))
    yield second, listener
    listener.close()
    lab.plug(None, "mn3")
    stop(second)


def frames_to(capture, payload):
    """The link-layer destinations of frames with a message."""
    return [frame[:6] for _, frame in capture.packets() if payload in frame]


def brought(gateway):
    """What is copied at an access gateway: {(group, anchor): [the listeners' link and address there]}; but
    for a group that is given up meanwhile."""
    items = [json.loads(line) for group in {group for group, _ in copied(gateway)}
             for line in gateway.control.ctl("--json", "mcast", "members", group, check=False).splitlines()]
    return {(item["group"], item["anchor"]): [(listener["port"], listener["link_address"])
                                              for listener in item["listeners"]] for item in items}


def test_anchors_are_apart(lab, gateways, hosts, source, others):
    """RFC 6224, 4.2: what one anchor brings is not for hosts of another one, of the same group, on the
    same link."""
    first, gateway = hosts[0], gateways["1"]
    second, other = others
    arrive(lab, gateways, "1")
    first.join(ANY)
    hears(first, source, ANY, "the group of the first anchor")
    wait_for(lambda: brought(gateway) == {(ANY, ANCHOR): [("access", None)]}, "the link to be the listener")
    air = Capture(lab.node("mn3"), "wlan0", "frames", "ip6")
    lab.plug("1", "mn3")
    wait_for(lambda: any(a["mn_id"] == OTHERS_MN_ID and a["state"] == "attached" and a["anchor"] == "lma2"
                         for a in gateway.attachments()), "the host of the second anchor to be attached")
    wait_for(lambda: brought(gateway) == {(ANY, ANCHOR): [(None, MAC[1])]}, "the first host to be the listener")
    apart = time.time_ns()
    other.join(ANY)
    elsewhere = Source(lab, CORE_AT_SECOND_ANCHOR)
    hears(other, elsewhere, ANY, "the group of the second anchor")
    hears(first, source, ANY, "the group of the first anchor, in frames to the host")
    wait_for(lambda: brought(gateway) == {(ANY, ANCHOR): [(None, MAC[1])], (ANY, SECOND_ANCHOR): [(None, OTHERS_MAC)]},
             "both hosts to be listeners")
    for turn in (b"1", b"2"):
        source.send(ANY, b"of the first, " + turn)
        elsewhere.send(ANY, b"of the second, " + turn)
        for listener, own in ((first, b"of the first, "), (other, b"of the second, ")):
            before = listener.wait(own + turn) + listener.heard()
            assert not [message for message in before if message.startswith(b"of ")]
    wait_for(lambda: frames_to(air, b"of the second, 2"), "it to be captured")
    assert set(frames_to(air, b"of the second, ")) == {bytes.fromhex(OTHERS_MAC.replace(":", ""))}
    assert not frames_to(air, b"of the first, ")
    # Queries are to it alone too, and good ones.
    wait_for(lambda: any(at >= apart and frame[20] == 0 and frame[62] == 130 for at, frame in air.packets()), "a query")
    asked = run("tshark", "-r", air.stop(), "-Y", f"icmpv6.type == 130 && frame.time_epoch >= {apart / 1e9:.6f}", "-T",
                "fields", "-e", "eth.dst", "-e", "ipv6.src", "-e", "ipv6.hlim", "-e", "_ws.expert.message").splitlines()
    assert asked and {line.rstrip("\t") for line in asked} == {f"{OTHERS_MAC}\t{ROUTER}\t1"}
    # The group is left to one of them, and the link to hosts of one anchor.
    lab.plug(None)
    gateway.control.ctl("mag", "detach", "host1@example.net", check=False)  # it may have been given up
    wait_for(lambda: brought(gateway) == {(ANY, SECOND_ANCHOR): [("access", None)]},
             "one copy for the link")
    hears(other, elsewhere, ANY, "the group of the second anchor, in frames to all")
    elsewhere.close()


def test_scopes(lab, anchor, gateways, hosts, source):
    """A host may listen to admin-scoped groups only if the configuration says their scope; the anchor takes
    no others from a gateway either (RFC 6275, 10.4.2)."""
    arrive(lab, gateways, "1")
    before = {part: part.control.drops()["mld_forbidden"] for part in (anchor, gateways["1"])}
    hosts[0].join(FORBIDDEN)
    wait_for(lambda: gateways["1"].control.drops()["mld_forbidden"] > before[gateways["1"]],
             "it to be counted at the gateway")
    hosts[0].join(SAID)
    hears(hosts[0], source, SAID, "the admin-scoped group that was said")
    wait_for(lambda: copied(gateways["1"]) == {(SAID, None): 1} == copied(anchor), "it alone to be brought")
    core = lab.core.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
    report = records_of((4, FORBIDDEN), src="fe80::7")
    core.sendto(bytes(IPv6(src=GATEWAY["3"], dst=ANCHOR, nh=41) / report), (ANCHOR, 0))
    wait_for(lambda: anchor.control.drops()["mld_forbidden"] > before[anchor], "it to be counted there")
    wait_for(lambda: copied(anchor) == {(SAID, None): 1}, "nothing else to be brought")
    core.close()


def test_a_host_that_is_gone(lab, anchor, gateways, hosts, source):
    arrive(lab, gateways, "1")
    hosts[0].join(ANY)
    wait_for(lambda: copied(anchor) == {(ANY, None): 1}, "the group to be wanted")
    lab.plug(None)
    wait_for(lambda: copied(gateways["1"]) == {} == copied(anchor), "the group to be forgotten")
    wait_for(lambda: gateways["1"].attachment(1) is None, "the host to be given up")


def test_reports_of_strangers(lab, anchor):
    """Nobody but a gateway joins by a tunnel."""
    core = lab.core.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
    inner = (IPv6(src="fe80::7", dst="ff02::16", hlim=1) / IPv6ExtHdrHopByHop(options=[RouterAlert()])
             / ICMPv6MLReport2(records=[ICMPv6MLDMultAddrRec(rtype=4, dst=ANY)]))
    bad = {"mld_source": IPv6(src="2001:db8:c::1", dst="ff02::16", hlim=1) / inner[IPv6ExtHdrHopByHop],
           "mld_hop_limit": IPv6(src="fe80::7", dst="ff02::16", hlim=2) / inner[IPv6ExtHdrHopByHop]}

    def send(source, packet):
        core.sendto(bytes(IPv6(src=source, dst=ANCHOR, nh=41) / packet), (ANCHOR, 0))

    before = {name: anchor.control.drops()[name] for name in (*bad, "mld_ignored")}
    send(CORE_AT_ANCHOR, inner)
    wait_for(lambda: anchor.control.drops()["mld_ignored"] > before["mld_ignored"], "it to be counted")
    for name, packet in bad.items():
        send(GATEWAY["3"], packet)
        wait_for(lambda name=name: anchor.control.drops()[name] > before[name], f"{name} to be counted")
    assert copied(anchor) == {}
    core.close()


def test_tshark_finds_nothing_wrong(capture, anchor):
    found = run("tshark", "-r", capture.stop(), "-Y", "icmpv6.type == 130 || icmpv6.type == 143", "-T",
                "fields", "-e", "ipv6.src", "-e", "ipv6.hlim", "-e", "icmpv6.type", "-e",
                "_ws.expert.message")
    ours = [line.split("\t") for line in found.splitlines()
            if line.startswith((f"{ANCHOR},", f"{GATEWAY['1']},", f"{GATEWAY['2']},"))]
    # Not what Linux answers for a gateway whose data plane does not run.
    ours = [fields for fields in ours if "," not in fields[2]]
    assert {kind for _, _, kind, _ in ours} == {"130", "143"}
    for addresses, hops, _, complaint in ours:
        assert addresses.split(",")[1].startswith("fe80:") and hops.endswith(",1") and not complaint
