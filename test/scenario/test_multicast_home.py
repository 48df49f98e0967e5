"""Listeners on the home link and nodes that are away: the gateway as MLD querier (RFC 3810), with
Linux and its sockets as listeners, and as a router on the same link."""

import socket
import threading
import time

import pytest
from scapy.layers.inet6 import (ICMPv6MLDone, ICMPv6MLReport, ICMPv6MLQuery2, ICMPv6MLReport2, ICMPv6MLDMultAddrRec,
                                IPv6, IPv6ExtHdrHopByHop, RouterAlert)
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import checksum

import mip6
from lab import programs
from lab.capture import Capture
from lab.system import run, wait_for
from test_multicast import SENDER, hears, source  # noqa: F401
from test_node_multicast import ANY, OTHER, PORT, SPECIFIC, Listener, groups

SLOW = "ff1e::7:1"
ROOM = 48
QUICK = f'querier = {{ max_groups = {ROOM}; interval = "2s"; response = "500ms"; last_listener = "100ms"; }};'


@pytest.fixture(scope="module")
def gateway(lab, build):
    started = programs.Gateway(lab, build)
    started.control.reconfigure(
        ('querier = { interval = "125s"; };', QUICK),
        # All of global scope; others have to be said.
        ('groups = ["ff1e::/16", "ff3e::/32"];', 'groups = ["ff00::/8"];'),
        ("rates = (", f'rates = ({{ groups = "{SLOW}/128"; kbit_per_second = 1; }}, '))
    started.start()
    yield started
    for process in (started.data_plane.process, started.control.process):
        assert process.stop() == 0


class HomeListener(Listener):
    """A program on the host of the home link."""

    def __init__(self, lab):
        self.index = lab.host.ip_json("link", "show", "dev", "eth0")[0]["ifindex"]
        self.socket = lab.host.socket(socket.AF_INET6, socket.SOCK_DGRAM, 0)
        self.socket.bind(("::", PORT))
        self.socket.setblocking(False)


@pytest.fixture
def listener(lab):
    made = HomeListener(lab)
    yield made
    made.close()


@pytest.fixture(scope="module")
def capture(lab, gateway):
    made = Capture(lab.host, "eth0", "home", "ip6")
    yield made
    made.stop()


def listened(control):
    """What data planes copy: {(group, source or None): members}."""
    return {(item["group"], item["source"]): item["members"]
            for item in control.ask("mcast", "show")["groups"]}


def test_listeners_on_the_home_link(lab, control, capture, source, listener):
    listener.join(ANY)
    wait_for(lambda: listened(control) == {(ANY, None): 1}, "the group to be listened to")
    hears(listener, source, ANY, "the group on the home link")
    # Linux answers the queries, so that it goes on.
    queries = control.drops()["mld_queries"]
    wait_for(lambda: control.drops()["mld_queries"] > queries + 2, "more queries")
    wait_for(lambda: listened(control) == {(ANY, None): 1}, "the group to be listened to still")
    listener.join_source(SPECIFIC, SENDER)
    wait_for(lambda: listened(control) == {(ANY, None): 1, (SPECIFIC, SENDER): 1}, "the source")
    hears(listener, source, SPECIFIC, "the source on the home link")
    wait_for(lambda: "home" in control.ctl("mcast", "members", SPECIFIC, check=False), "the home link to be told")
    listener.leave(ANY)
    wait_for(lambda: listened(control) == {(SPECIFIC, SENDER): 1}, "the group to be left")
    size = capture.size()
    source.send(ANY, b"too late")
    hears(listener, source, SPECIFIC, "the source again")
    assert not any(b"too late" in frame for _, frame in capture.packets(size))
    listener.close()
    wait_for(lambda: listened(control) == {}, "all to be left")


def test_a_node_at_home_and_away(lab, control, mobile_node, source):
    """One copy on the home link, or one in the tunnel, and never both."""
    lab.plug("home")
    mobile_node.start()
    wait_for(lambda: mobile_node.status()["state"] == "home", "the node to be at home")
    listener = Listener(lab)
    # A program on the node hears on the link and in the tunnel: the kernel joins on both.
    listener.join(ANY)
    hears(listener, source, ANY, "the group at home")
    lab.plug("a")
    wait_for(lambda: groups(mobile_node).get(ANY, {}).get("accepted"), "the group to be accepted")
    disagreed = control.drops()["multicast_disagrees"]
    hears(listener, source, ANY, "the group on link a")
    # The home link times out, the tunnel does not.
    wait_for(lambda: [one["port"] for one in control.ask("mcast", "members", ANY)["listeners"]]
             == [None], "nobody to be left on the home link")
    # Queries come through the tunnel; its kernel answers dmm-mn.
    reports = mobile_node.status()["multicast"]["reports"]
    asked = control.drops()["mld_tunnel_queries"]
    wait_for(lambda: control.drops()["mld_tunnel_queries"] > asked, "a query into the tunnel")
    wait_for(lambda: mobile_node.status()["multicast"]["reports"] > reports, "an answer to it")
    # At home nobody listens to this one: the option counts.
    listener.join(OTHER)
    wait_for(lambda: groups(mobile_node).get(OTHER, {}).get("accepted"), "the other group")
    assert control.drops()["multicast_disagrees"] > disagreed
    hears(listener, source, OTHER, "the other group on link a")
    lab.plug("home")
    wait_for(lambda: mobile_node.status()["state"] == "home", "the node to be at home")
    listener.heard()
    hears(listener, source, ANY, "the group at home again")
    listener.close()


def message(lab, layers, **changes):
    link_local = next(a for a in lab.host.addresses("eth0") if a.startswith("fe80:"))
    values = {"src": link_local, "dst": "ff02::16", "hlim": 1} | changes
    alert, mac = values.pop("alert", True), values.pop("mac", "33:33:00:00:00:16")
    packet = Ether(src=lab.host.mac("eth0"), dst=mac) / IPv6(**values)
    if alert:
        packet /= IPv6ExtHdrHopByHop(nh=58, options=[RouterAlert()])
    return bytes(packet / layers)


def to_gateway(lab):
    """Destination of a message to its address on the home link alone."""
    link_local = next(a for a in lab.gw.addresses("home") if a.startswith("fe80:"))
    return {"mac": lab.gw.mac("home"), "dst": link_local}


def checked(lab, octets, source=None):
    """The octets of a message with the checksum that is right for them."""
    source = source or next(a for a in lab.host.addresses("eth0") if a.startswith("fe80:"))
    head = mip6.address(source) + mip6.address("ff02::16")
    octets = octets[:2] + bytes(2) + octets[4:]
    right = checksum(head + len(octets).to_bytes(4, "big") + bytes([0, 0, 0, 58]) + octets)
    return Raw(octets[:2] + right.to_bytes(2, "big") + octets[4:])


def wants(group):
    return ICMPv6MLReport2(records=[ICMPv6MLDMultAddrRec(rtype=4, dst=group)])


def leaves(group):
    return ICMPv6MLReport2(records=[ICMPv6MLDMultAddrRec(rtype=3, dst=group)])


def test_what_listeners_must_not_do(lab, control, counted):
    """RFC 3810, 5.2.13, 6.2 and 7.4."""
    wire = lab.host.packet_socket("eth0")
    malformed = wants(OTHER)
    malformed.records_number = 3
    bad = {"mld_hop_limit": message(lab, wants(OTHER), hlim=64),
           "mld_router_alert": message(lab, wants(OTHER), alert=False),
           "mld_source": message(lab, wants(OTHER), src="2001:db8:100::20"),
           "mld_forbidden": message(lab, wants("ff05::1:3")),
           "mld_no_group": message(lab, wants("2001:db8:100::20")),
           "mld_malformed": message(lab, malformed)}
    wrong = bytearray(message(lab, wants(OTHER)))
    wrong[-1] ^= 1
    bad["mld_checksum"] = bytes(wrong)
    before = {name: counted(name) for name in bad}
    for name, frame in bad.items():
        wire.send(frame)
        wait_for(lambda name=name: counted(name) > before[name], f"{name} to be counted")
    assert OTHER not in {group for group, _ in listened(control)}
    # And one that is right; and one of an older listener, sent to the group itself. It does not answer
    # queries, and would be forgotten.
    wait_for(lambda: wire.send(message(lab, wants(OTHER))) and (OTHER, None) in listened(control),
             "the group to be listened to")
    older = message(lab, ICMPv6MLReport(mladdr=SPECIFIC), dst=SPECIFIC)
    wait_for(lambda: wire.send(older) and (SPECIFIC, None) in listened(control), "the older listener to be heard")
    # To the gateway alone (5.2.14).
    wire.send(message(lab, leaves(OTHER), **to_gateway(lab)))
    wire.send(message(lab, ICMPv6MLDone(mladdr=SPECIFIC), dst="ff02::2"))
    wait_for(lambda: not {OTHER, SPECIFIC} & {group for group, _ in listened(control)},
             "them to be left")
    wire.close()


def test_records_that_overrun(lab, control, counted):
    """Whatever they say of their length; and what RFC 3810 says to ignore is ignored (5.2.10 to
    5.2.12)."""
    wire = lab.host.packet_socket("eth0")
    octets = bytes(wants(OTHER))
    bad = {"a record too many": octets[:7] + b"\x02" + octets[8:],
           "a source too many": octets[:11] + b"\x01" + octets[12:],
           "all sources there are": octets[:10] + b"\xff\xff" + octets[12:],
           "auxiliary data that is not there": octets[:9] + b"\xff" + octets[10:],
           "half a group": octets[:-8]}
    for number, (what, changed) in enumerate(bad.items(), 1):
        wire.send(message(lab, checked(lab, changed)))
        wait_for(lambda n=number: counted("mld_malformed") == n, f"{what} to be counted")
    assert OTHER not in {group for group, _ in listened(control)}
    unknown = octets[:8] + b"\x63" + octets[9:]
    auxiliary = octets[:9] + b"\x02" + octets[10:] + bytes(8)
    good = message(lab, checked(lab, octets[:7] + b"\x02" + unknown[8:] + auxiliary[8:] + b"more"))
    wait_for(lambda: wire.send(good) and (OTHER, None) in listened(control), "the report to be taken")
    assert counted("mld_malformed") == len(bad)
    wire.send(message(lab, leaves(OTHER)))
    wait_for(lambda: OTHER not in {group for group, _ in listened(control)}, "it to be left")
    wire.close()


def test_a_thousand_groups_on_a_link(lab, control, counted):
    """There is room for so many and no more; when they are left there is again."""
    wire = lab.host.packet_socket("eth0")
    many = [ICMPv6MLDMultAddrRec(rtype=4, dst=f"ff1e::6:{n:x}") for n in range(1000)]
    frames = [message(lab, ICMPv6MLReport2(records=many[at:at + 50])) for at in range(0, 1000, 50)]

    def told():
        for frame in frames:
            wire.send(frame)
        return counted("mld_groups_full") > 0

    wait_for(told, "groups without room to be counted")
    # They are forgotten after a while.
    groups_there = wait_for(lambda: told() and control.ask("mcast", "links")["links"][0]["groups"], "groups")
    assert groups_there <= ROOM
    assert len(listened(control)) <= ROOM

    def left():
        for group, _ in listened(control):
            wire.send(message(lab, leaves(group)))
        return not listened(control)

    wait_for(left, "them to be left")
    wait_for(lambda: wire.send(message(lab, wants(OTHER))) and (OTHER, None) in listened(control),
             "another group to have room")
    wire.send(message(lab, leaves(OTHER)))
    wait_for(lambda: not listened(control), "it to be left")
    wire.close()


def test_a_rate_is_of_its_groups_alone(lab, control, counted, source, listener):
    """What is beyond the limit of a group is dropped and counted, and nothing of another one."""
    listener.join(SLOW)
    listener.join(ANY)
    wait_for(lambda: {(SLOW, None), (ANY, None)} <= set(listened(control)), "both to be listened to")
    seen = []

    def shown():
        return {item["group"]: item for item in control.ask("mcast", "show")["groups"]}

    def limited():
        # So much at once is beyond the limit however slow the machine is.
        for number in range(20):
            for group in (SLOW, ANY):
                source.send(group, b"%s %d" % (group.encode(), number) + bytes(1000))
        seen.extend(text.split()[0] for text in listener.heard())
        found = shown()
        # Without the figures of a data plane that takes too long to tell them.
        return {SLOW, ANY} <= set(found) and found[SLOW].get("limited") and found[ANY].get("packets") and \
            {SLOW.encode(), ANY.encode()} <= set(seen) and found

    found = wait_for(limited, "messages beyond the limit, and others to be heard")
    assert found[SLOW]["packets"] > 0 and found[ANY]["packets"] > found[SLOW]["packets"]
    assert found[ANY]["limited"] == 0
    assert counted("multicast_rate") >= found[SLOW]["limited"]
    assert seen.count(SLOW.encode()) < seen.count(ANY.encode())


def test_rates(control, source, listener):
    """What a stream carries by the second, and nothing when it has ended."""
    listener.join(ANY)
    wait_for(lambda: (ANY, None) in listened(control), "the group to be listened to")
    ending = threading.Event()

    def stream():
        while not ending.wait(0.01):
            source.send(ANY, bytes(500))

    def rates():
        shown = control.ask("mcast", "show", "--rates", ANY)["groups"]
        return [group[key] for group in shown for key in ("packets_per_second", "octets_per_second",
                                                          "copies_per_second")]

    thread = threading.Thread(target=stream)
    thread.start()
    try:
        packets, octets, copies = wait_for(lambda: (found := rates()) and all(found) and found, "a rate")
    finally:
        ending.set()
        thread.join()
    assert octets > 100 * packets and copies > 0
    wait_for(lambda: rates() == [0, 0, 0], "the stream to be over")
    text = wait_for(lambda: ANY in (shown := control.ctl("mcast", "show", "-r")) and shown, "the group to be shown")
    assert "OCTETS/S" in text
    shown, = wait_for(lambda: control.ask("mcast", "show", ANY)["groups"], "the group to be shown")
    assert "packets_per_second" not in shown


def test_queries_that_are_none(lab, control, counted):
    """RFC 3810, 5.1.14 and 8.1: from no link-local address, or of a length in between."""
    wire = lab.host.packet_socket("eth0")
    octets = bytes([130, 0, 0, 0, 0x03, 0xe8]) + bytes(20)
    wire.send(message(lab, checked(lab, octets, "2001:db8:100::1"), src="2001:db8:100::1"))
    wait_for(lambda: counted("mld_source") == 1, "the query to be counted")
    wire.send(message(lab, checked(lab, octets, "fe80::1"), src="fe80::1"))
    wait_for(lambda: counted("mld_malformed") == 1, "the other one to be counted")
    assert counted("mld_queries_heard") == counted("mld_yielded") == 0
    assert control.ask("mcast", "links")["links"][0]["querier"]
    wire.close()


def test_another_querier(lab, control, counted):
    """RFC 3810, 7.6.2: the lowest address asks."""
    wire = lab.host.packet_socket("eth0")
    query = ICMPv6MLQuery2(mrd=500, QRV=2, QQIC=1)
    higher = message(lab, query, src="fe80::ffff:ffff:ffff:fffe", dst="ff02::1")
    lower = message(lab, query, src="fe80::1", dst="ff02::1")
    wire.send(higher)
    wait_for(lambda: counted("mld_queries_heard") == 1, "the query to be heard")
    assert counted("mld_yielded") == 0
    wire.send(lower)
    wait_for(lambda: counted("mld_yielded") > 0, "the querier to yield")
    wait_for(lambda: wire.send(lower) and control.ask("mcast", "links")["links"][0]["other_querier"]
             == "fe80::1", "the other querier to be shown")
    asked = counted("mld_queries")
    wait_for(lambda: counted("mld_queries") > asked, "it to ask again when the other is silent")
    # Whatever address of the link a query is sent to, it is one (5.1.15).
    for where in ({"dst": "ff02::2"}, {"dst": "ff02::16"}, {"dst": ANY}, to_gateway(lab)):
        wait_for(lambda: control.ask("mcast", "links")["links"][0]["querier"], "it to ask again")
        wait_for(lambda: wire.send(message(lab, query, src="fe80::1", **where)) and control.ask(
            "mcast", "links")["links"][0]["other_querier"] == "fe80::1", f"one to {where['dst']} to count")
    wait_for(lambda: control.ask("mcast", "links")["links"][0]["querier"], "it to ask again")
    # What is behind its fields is ignored, but for the checksum (5.1.12).
    longer = message(lab, query / Raw(bytes(range(40))), src="fe80::1", dst="ff02::1")
    wrong = counted("mld_checksum")
    wire.send(longer[:-1] + b"\0")
    wait_for(lambda: counted("mld_checksum") > wrong, "the query with another octet behind it")
    assert control.ask("mcast", "links")["links"][0]["querier"]
    wait_for(lambda: wire.send(longer) and control.ask("mcast", "links")["links"][0]["other_querier"]
             == "fe80::1", "the longer query to count")
    wait_for(lambda: control.ask("mcast", "links")["links"][0]["querier"], "it to ask again")
    link, = control.ask("mcast", "links")["links"]
    assert link["link"] == "home" and link["querier"] and link["other_querier"] is None
    wire.close()


@pytest.fixture
def older(gateway):
    """The gateway speaks MLDv1 on home links, until the end of the test."""
    def restart(config):
        gateway.control.process.stop()
        gateway.control.config = config
        gateway.control.start()
        wait_for(gateway.synchronised, "the data plane to be synchronised")

    before = gateway.control.config
    restart(programs.changed_copy(before, gateway.node.directory / "older.cfg",
                                  [("querier = { max_groups", "querier = { version = 1; max_groups")]))
    yield
    restart(before)


def test_as_router_of_the_older_version(older, lab, control, counted, capture, listener, source):
    """RFC 3810, 8.3.1: queries are those of MLDv1, and Linux answers with it."""
    mac = bytes.fromhex(lab.gw.mac("home").replace(":", ""))
    begin = time.time_ns()  # what came before may still have to be written

    def mld(kind):
        """Messages of a type, from the gateway if these are queries."""
        frames = [frame for at, frame in capture.packets() if at >= begin and frame[20] == 0 and frame[62] == kind]
        return [frame[62:] for frame in frames if (frame[6:12] == mac) == (kind == 130)]

    wait_for(lambda: mld(130), "a query")
    listener.join(ANY)
    hears(listener, source, ANY, "the group on the home link")
    wait_for(lambda: any(mip6.address(ANY) in octets for octets in mld(131)), "a report of Linux of MLDv1")
    # Linux does not tell sources to such a router.
    listener.join_source(SPECIFIC, SENDER)
    wait_for(lambda: (SPECIFIC, None) in listened(control), "the group from any source")
    listener.leave(ANY)
    wait_for(lambda: (ANY, None) not in listened(control), "the group to be left by MLDv1")
    # Maximum Response Delay is in milliseconds, without an exponent.
    wait_for(lambda: {int.from_bytes(octets[4:6], "big") for octets in mld(130)} == {100, 500},
             "queries in general and for the group")
    assert {len(octets) for octets in mld(130)} == {24}
    wire = lab.host.packet_socket("eth0")
    wire.send(message(lab, ICMPv6MLQuery2(mrd=500, QRV=2, QQIC=1), src="fe80::ffff:ffff:ffff:fffe",
                      dst="ff02::1"))
    wait_for(lambda: counted("mld_older_queries") == 1, "the query of MLDv2 to be counted")
    wire.close()


def test_tshark_finds_nothing_wrong(control, capture, lab):
    found = run("tshark", "-r", capture.stop(), "-Y", "icmpv6.type == 130", "-T", "fields", "-e",
                "eth.src", "-e", "ipv6.hlim", "-e", "ipv6.src", "-e", "_ws.expert.message")
    mac = lab.gw.mac("home")
    ours = [line.split("\t") for line in found.splitlines() if line.startswith(mac)]
    assert ours
    for _, hops, address, complaint in ours:
        assert hops == "1" and address.startswith("fe80:") and not complaint
