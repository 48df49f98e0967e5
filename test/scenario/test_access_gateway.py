"""The mobile access gateway (RFC 5213, 6) with a real anchor, and hosts that know nothing of it."""

import contextlib
import ipaddress
import json
import os
import pathlib
import shutil
import signal
import socket
import time

import pytest

from scapy.layers.inet6 import ICMPv6ND_RS, IPv6
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

import mip6
import pmip6
from lab import programs
from lab.node import veth
from lab.proxy import (ANCHOR, GATEWAY, LINKS, MAC, MN_ID, ROUTER, SECOND_ANCHOR, AccessGateway, SecondAnchor,
                       global_address)
from lab.system import LabError, run, wait_for
from lab.topology import CN
from peer import Ear
from proxy_rig import anchor, lab, reaches  # noqa: F401
from rig import stop

HUGEPAGES = 240
ANCHOR_CHANGES = (
    ('max_lifetime = "420s";', 'max_lifetime = "420s";\n\theartbeat = "1s";'),
    ('name = "mag1"; ', 'name = "mag1"; identifier = "mag1@example.net"; '),
    # What ends is still there when a slow machine comes to look.
    ('delete_delay = "10s"', 'delete_delay = "600s"'))
TIMESTAMP_MISMATCH = 156


def is_update(packet):
    return mip6.mh_type(packet) == mip6.BU


def timestamp(packet):
    """Of a Proxy Binding Update, in seconds since 1970."""
    options = {kind: data for _, kind, data in mip6.options_of(packet[40:])}
    return int.from_bytes(options[pmip6.TIMESTAMP], "big") / 65536


@pytest.fixture(scope="module")
def gateways(lab, build, anchor):
    started = {link: AccessGateway(lab, build, link) for link in LINKS[:2]}
    for gateway in started.values():
        gateway.control.reconfigure(
            ('probe = "3s"', 'probe = "1s"'), ("probes = 3", "probes = 5"), ('hold = "30s"', 'hold = "1s"'),
            # The second tunnels in GRE (RFC 5845), so that nodes go from one kind to the other.
            ("mag = {", f'mag = {{\n\tgre = "{"keys" if gateway.link == "2" else "required"}";\n'
             f'\theartbeat = "1s";\n\tidentifier = "mag{gateway.link}@example.net";'))
        gateway.start()
    yield started
    for gateway in started.values():
        stop(gateway)


@pytest.fixture
def host(lab, anchor, gateways):
    """The host mn, which is nowhere at first and in the end."""
    for part in (anchor, *gateways.values()):
        part.require()
    yield lab.mn
    lab.plug(None)
    lab.mn.ip("address flush dev wlan0 scope global")
    for gateway in gateways.values():
        if gateway.attachment(1):
            gateway.control.ctl("mag", "detach", MN_ID[1], check=False)
        # What it says of that to its anchor is no part of the next test.
        wait_for(lambda: not gateway.attachment(1), "the host to be gone")


def arrive(lab, gateways, link, number=1):
    """The host moves to a link and is served there; its address."""
    name = "mn" if number == 1 else "mn2"
    lab.plug(link, name)
    wait_for(lambda: (gateways[link].attachment(number) or {}).get("state") == "attached",
             "the host to be attached")
    return wait_for(lambda: global_address(lab.node(name)), "the host to have an address")


def gone(lab, gateway, number):
    """The host leaves, and its gateway knows it, at once or by now."""
    lab.plug(None, "mn" if number == 1 else f"mn{number}")
    gateway.control.ctl("mag", "detach", MN_ID[number], check=False)


def test_host_gets_an_address_and_is_reached(lab, anchor, gateways, host):
    address = arrive(lab, gateways, "1")
    attached = gateways["1"].attachment(1)
    assert attached["state"] == "attached" and attached["link_address"] == MAC[1]
    session, = anchor.sessions("--mn-id", MN_ID[1])
    assert session["prefixes"] == attached["prefixes"]
    assert session["gateway"] == "mag1" and session["link_layer_id"] == MAC[1]
    assert session["access_technology"] == "IEEE 802.11a/b/g"
    route, = host.ip_json("-6", "route", "show", "default")
    assert route["gateway"] == ROUTER
    assert route["metrics"][0]["mtu"] == 1460 if "metrics" in route else True
    reaches(host, CN)
    reaches(lab.cn, address)


@pytest.fixture
def tracing(build):
    """tracing(part): a running dmmctl trace of the host there; its lines so far as JSON."""
    begun = []

    def begin(part):
        process = part.node.start("trace", programs.program(build, "dmmctl"), "--json", "trace", MN_ID[1])
        begun.append(process)
        return lambda: process.require() or [json.loads(line) for line in process.output().split("\n")[:-1]]
    yield begin
    for process in begun:
        process.send(signal.SIGKILL)
        process.wait()


def told(items, what):
    """The messages of a trace, without their hop limits: its items by their packets."""
    return {item["packet"][:14] + item["packet"][16:]: item for item in items() if item["what"] == what}


def test_traces_of_both_ends_agree(lab, anchor, gateways, host, tracing):
    at_anchor, at_gateway = tracing(anchor), tracing(gateways["1"])

    def seen_by_both(what):
        return [(told(at_gateway, what)[packet], told(at_anchor, what)[packet])
                for packet in set(told(at_gateway, what)) & set(told(at_anchor, what))]

    # Whether they are heard yet, only messages tell: the host comes until both have.
    for _ in range(20):
        arrive(lab, gateways, "1")
        if seen_by_both("proxy-binding-update"):
            break
        lab.plug(None)
        gateways["1"].control.ctl("mag", "detach", MN_ID[1], check=False)
        wait_for(lambda: not gateways["1"].attachment(1), "the host to have left")
    for sent, received in seen_by_both("proxy-binding-update"):
        assert (sent["kind"], sent["outcome"]) == ("sent", None)
        assert (received["kind"], received["outcome"]) == ("received", "taken")
        assert sent["care_of_address"] == received["care_of_address"] == GATEWAY["1"]
    (heard, said), *_ = wait_for(lambda: seen_by_both("proxy-binding-acknowledgement"), "the answer")
    assert (said["kind"], said["outcome"]) == ("sent", "accepted")
    assert (heard["kind"], heard["outcome"]) == ("received", "accepted")
    assert said["home_address"] == gateways["1"].attachment(1)["prefixes"][0].split("/")[0]
    # What the anchor asks of the gateway beside: to register anew, and to end it (RFC 7077, RFC 5846).
    prefix = gateways["1"].attachment(1)["prefixes"][0].split("/")[0]

    def agree(question, answer):
        (heard, said), *_ = wait_for(lambda: seen_by_both(question), f"the {question}")
        assert (said["kind"], said["outcome"], said["home_address"]) == ("sent", None, prefix)
        assert (heard["kind"], heard["outcome"], heard["home_address"]) == ("received", "taken", prefix)
        (said, heard), *_ = wait_for(lambda: seen_by_both(answer), f"the {answer}")
        assert (said["kind"], said["outcome"]) == ("sent", "success")
        assert (heard["kind"], heard["outcome"]) == ("received", "success")
        assert said["care_of_address"] == heard["care_of_address"] == GATEWAY["1"]

    anchor.control.ctl("session", "renew", prefix)
    agree("update-notification", "update-notification-acknowledgement")
    gateways["1"].control.ctl("mag", "detach", MN_ID[1])
    wait_for(lambda: "detached" in [item["what"] for item in at_gateway() if item["kind"] == "event"],
             "the gateway to tell of the end")
    lab.plug(None)
    arrive(lab, gateways, "1")
    prefix = gateways["1"].attachment(1)["prefixes"][0].split("/")[0]
    anchor.control.ctl("session", "revoke", prefix)
    agree("binding-revocation-indication", "binding-revocation-acknowledgement")


def test_move_keeps_the_address(lab, anchor, gateways, host):
    address = arrive(lab, gateways, "1")
    reaches(host, CN)
    for link, name in (("2", "mag2"), ("1", "mag1")):
        assert arrive(lab, gateways, link) == address
        wait_for(lambda: anchor.sessions("--mn-id", MN_ID[1])[0]["gateway"] == name,
                 f"the session to be at {name}")
        reaches(lab.cn, address)
        reaches(host, CN, address)


def in_gre(lab, directory, ears):
    """What tshark makes of packets in GRE: (source, key, payload's destination) of each."""
    packets = [Ether(dst="02:00:00:00:00:01") / IPv6(octets) for ear in ears for octets in ear.heard(lambda heard: heard[6] == 47)]
    capture = directory / "gre.pcap"
    wrpcap(str(capture), packets)
    found = json.loads(run("tshark", "-r", str(capture), "-T", "json", "-e", "ipv6.src", "-e", "ipv6.dst",
                           "-e", "gre.key", "-e", "gre.proto"))
    layers = [item["_source"]["layers"] for item in found]
    assert all(layer["gre.proto"] == ["0x86dd"] for layer in layers)
    return {(layer["ipv6.src"][0], int(layer["gre.key"][0], 0), layer["ipv6.dst"][1]) for layer in layers}


def test_gre_keys(lab, anchor, gateways, host, tmp_path):
    """RFC 5845: both ways with keys of their own, that outlive the programs."""
    gateway = gateways["2"]
    address = arrive(lab, gateways, "2")
    attached = gateway.attachment(1)
    session, = anchor.sessions("--mn-id", MN_ID[1])
    for side in attached, session:
        keys = side["encapsulation"], side["uplink_key"], side["downlink_key"]
        assert keys == ("gre", session["uplink_key"], attached["downlink_key"])
    assert session["uplink_key"] and session["downlink_key"]
    ears = [Ear(lab.core, name) for name in ("lma", "mag2")]
    reaches(host, CN, address)
    expected = {(ANCHOR, session["downlink_key"], address), (GATEWAY["2"], session["uplink_key"], CN)}
    wait_for(lambda: in_gre(lab, tmp_path, ears) == expected, "packets with both keys, and no others")
    for ear in ears:
        ear.close()
    for part in (anchor, gateway):
        part.control.process.stop(signal.SIGKILL)
        part.control.start()
        wait_for(part.synchronised, "the data plane to be synchronised")
    updated = session["updated"]
    wait_for(lambda: anchor.sessions("--mn-id", MN_ID[1])[0]["updated"] != updated,
             "the registration to be extended")
    again, = anchor.sessions("--mn-id", MN_ID[1])
    assert (again["uplink_key"], again["downlink_key"]) == (session["uplink_key"], session["downlink_key"])
    reaches(lab.cn, address)
    # To a gateway that does not ask for it, and back.
    for link, keys in (("1", (None, None)), ("2", (session["uplink_key"], session["downlink_key"]))):
        assert arrive(lab, gateways, link) == address
        wait_for(lambda: anchor.sessions("--mn-id", MN_ID[1])[0]["gateway"] == f"mag{link}", "the move")

        def agreed():
            moved, = anchor.sessions("--mn-id", MN_ID[1])
            return moved["uplink_key"] == keys[0] and (moved["downlink_key"] is None) == (keys[1] is None)
        wait_for(agreed, "what the two have agreed on")
        reaches(host, CN, address)


def test_operator_attaches_and_detaches(lab, anchor, gateways, host):
    gateway = gateways["1"]
    gateway.control.ctl("mag", "attach", MN_ID[1], "access")
    wait_for(lambda: gateway.attachment(1)["state"] == "attached", "the attachment")
    assert anchor.sessions("--mn-id", MN_ID[1])[0]["state"] == "live"
    assert gateway.control.ctl("mag", "detach", MN_ID[1]) == f"detached {MN_ID[1]}\n"
    wait_for(lambda: gateway.attachment(1) is None, "the anchor to answer")
    assert anchor.sessions("--mn-id", MN_ID[1])[0]["state"] == "ending"
    with pytest.raises(LabError, match="no access link"):
        gateway.control.ctl("mag", "attach", MN_ID[1], "core")
    with pytest.raises(LabError, match="no mobile node"):
        gateway.control.ctl("mag", "attach", "nobody@example.net", "access")


def test_host_that_is_gone_is_noticed(lab, anchor, gateways, host):
    arrive(lab, gateways, "1")
    lab.plug(None)
    wait_for(lambda: not gateways["1"].attachment(1), "the host to be given up")
    assert anchor.sessions("--mn-id", MN_ID[1])[0]["state"] == "ending"


def test_hosts_have_links_of_their_own(lab, anchor, gateways, host):
    """Neither is told of the other's prefix; what they say to each other goes by their anchor."""
    first = arrive(lab, gateways, "1")
    second = arrive(lab, gateways, "1", 2)
    for node, other in ((lab.mn, second), (lab.mn2, first)):
        routes = node.ip_json("-6", "route", "show", "dev", "wlan0")
        assert not any(ipaddress.ip_address(other) in ipaddress.ip_network(route["dst"])
                       for route in routes if route["dst"] != "default")
    reaches(lab.mn2, first)
    gone(lab, gateways["1"], 2)


def test_hosts_of_a_gateway_with_local_routing(lab, anchor, gateways, host):
    """RFC 5213, 6.10.3: what they say to each other leaves the gateway without it, and with it does not."""
    gateway = gateways["1"]
    first, second = arrive(lab, gateways, "1"), arrive(lab, gateways, "1", 2)
    pair = {ipaddress.ip_address(address).packed for address in (first, second)}
    ear = Ear(lab.core, "mag1")

    def by_anchor():
        mark = ear.mark()
        reaches(lab.mn2, first)
        return bool(ear.heard(lambda heard: heard[6] == 41 and {heard[48:64], heard[64:80]} == pair, mark))

    def change(before, after):
        gateway.control.process.stop()
        gateway.control.reconfigure((before, after))
        gateway.control.start()
        wait_for(gateway.synchronised, "the data plane to be synchronised", 60)

    wait_for(by_anchor, "their packets to go by the anchor", 60)
    change("mag = {", "mag = {\n\tlocal_routing = true;")
    wait_for(lambda: not by_anchor(), "their packets to stay at the gateway", 60)
    reaches(lab.mn2, CN)
    change("\n\tlocal_routing = true;", "")
    wait_for(by_anchor, "their packets to go by the anchor again", 60)
    ear.close()
    gone(lab, gateway, 2)


def test_hosts_send_from_their_own_prefix_only(lab, anchor, gateways, host):
    address = arrive(lab, gateways, "1")
    arrive(lab, gateways, "1", 2)
    control = gateways["1"].control

    def dropped(name, source):
        before = control.drops()[name]
        lab.mn2.ip(f"address add {source}/128 dev wlan0 nodad")
        lab.mn2.run("ping", "-6", "-c", "1", "-W", "1", "-I", source, CN, check=False)
        lab.mn2.ip(f"address delete {source}/128 dev wlan0")
        return control.drops()[name] > before

    wait_for(lambda: dropped("access_foreign", address), "a packet to be dropped")
    gone(lab, gateways["1"], 2)


def test_operator_revokes(lab, anchor, gateways, host):
    """RFC 5846: what the anchor's operator revokes is over at the gateway too, and the host is told."""
    def revoked():
        """Again where a slow machine answers too late: an anchor waits three seconds for it."""
        address = arrive(lab, gateways, "1")
        said = anchor.control.ctl("session", "revoke", address)
        if not said.endswith(": unanswered\n"):
            return address, said
        gone(lab, gateways["1"], 1)
        wait_for(lambda: not gateways["1"].attachment(1), "the host to be gone")
    address, said = wait_for(revoked, "an answer in time")
    assert said.endswith(", its gateway answered with status 0\n")
    assert anchor.sessions("--mn-id", MN_ID[1]) == []
    wait_for(lambda: (gateways["1"].attachment(1) or {}).get("state") == "refused", "the attachment to be refused")
    wait_for(lambda: host.ip_json("-6", "route", "show", "default") == [], "the host to be told")
    with pytest.raises(LabError, match="of no session"):
        anchor.control.ctl("session", "revoke", address)


def test_gateway_before_forgets_the_host(lab, anchor, gateways, host):
    arrive(lab, gateways, "1")
    arrive(lab, gateways, "2")
    wait_for(lambda: gateways["1"].attachment(1) is None, "the gateway before to forget it")
    assert gateways["1"].control.drops()["mag_revoked"] >= 1
    assert anchor.sessions("--mn-id", MN_ID[1])[0]["gateway"] == "mag2"


def test_operator_asks_for_a_registration(lab, anchor, gateways, host):
    """RFC 7077."""
    address = arrive(lab, gateways, "1")
    before = anchor.sessions("--mn-id", MN_ID[1])[0]["sequence"]
    # An anchor waits three seconds for it.
    wait_for(lambda: anchor.control.ctl("session", "renew", address).endswith(
        ", its gateway answered with status 0\n"), "an answer in time")
    wait_for(lambda: anchor.sessions("--mn-id", MN_ID[1])[0]["sequence"] != before,
             "the session to be registered again")


def test_gateway_revokes_all(lab, anchor, gateways, host):
    arrive(lab, gateways, "1")
    wait_for(lambda: gateways["1"].control.ctl("mag", "revoke", "lma") ==
             "revoked all of lma, its anchor answered with status 0\n", "an answer in time")
    assert anchor.sessions("--mn-id", MN_ID[1])[0]["state"] == "ending"
    with pytest.raises(LabError, match="no anchor 'other'"):
        gateways["1"].control.ctl("mag", "revoke", "other")


def lose_store(part):
    """The host of a control plane gets a new disk."""
    part.control.process.stop(signal.SIGKILL)
    shutil.rmtree(part.node.directory / "lib" / "store")
    part.control.start()
    wait_for(part.synchronised, "the data plane to be synchronised")


def test_lost_sessions_are_noticed(lab, anchor, gateways, host):
    """RFC 5847: who has lost its sessions says so, and they are made again, with the same prefixes."""
    address = arrive(lab, gateways, "1")
    control, gateway = anchor.control, gateways["1"].control

    def knows(part, name):
        return any((p["name"], p["state"]) == (name, "reachable") and p["restart_counter"] is not None
                   for p in part.ask("peer", "show")["peers"])
    wait_for(lambda: knows(control, "mag1") and knows(gateway, "lma"), "both to know each other")
    lose_store(anchor)
    wait_for(lambda: [s for s in anchor.sessions("--mn-id", MN_ID[1]) if s["state"] == "live"],
             "the session to be registered again")
    wait_for(lambda: gateway.drops()["mag_anchor_restarted"] == 1, "the gateway to notice")
    assert global_address(host) == address
    reaches(lab.cn, address)
    # That of the gateway: the anchor keeps the prefixes until the host is seen again.
    wait_for(lambda: knows(control, "mag1"), "the anchor to know its gateway again")
    lose_store(gateways["1"])
    wait_for(lambda: control.drops()["lma_gateway_restarted"] == 1, "the anchor to notice")
    assert arrive(lab, gateways, "1") == address
    reaches(lab.cn, address)


def test_gateway_restarts(lab, anchor, gateways, host):
    """A gateway whose programs are killed serves its nodes as before, with the same prefixes."""
    address = arrive(lab, gateways, "1")
    gateway = gateways["1"]
    gateway.control.process.stop(signal.SIGKILL)
    reaches(lab.cn, address)  # forwarding does not need it
    gateway.control.start()
    wait_for(gateway.synchronised, "the data plane to be synchronised")
    wait_for(lambda: gateway.attachment(1)["sequence"] == anchor.sessions("--mn-id", MN_ID[1])[0]
             ["sequence"], "the registration to be extended")
    assert global_address(host) == address
    for process in (gateway.control.process, gateway.data_plane.process):
        process.stop(signal.SIGKILL)
    gateway.start()
    reaches(lab.cn, address)
    reaches(host, CN, address)


@pytest.mark.parametrize("lost", ["daddr", "saddr"])
def test_messages_are_lost(lab, anchor, gateways, host, lost):
    """Proxy Binding Updates, or their acknowledgements, do not arrive: they are sent again."""
    gateway = gateways["1"].control
    before = gateway.drops()["mag_pbu_again"]
    lab.core.run("nft", "-f", "-", stdin=f"""table ip6 loss {{
        chain forward {{
            type filter hook forward priority 0;
            meta l4proto 135 ip6 {lost} {ANCHOR} drop
        }}
    }}""")
    lab.plug("1")
    wait_for(lambda: gateway.drops()["mag_pbu_again"] > before, "an update to be sent again")
    assert gateways["1"].attachment(1)["state"] == "registering"
    live = [s for s in anchor.sessions("--mn-id", MN_ID[1]) if s["state"] == "live"]
    assert len(live) == (lost == "saddr")
    lab.core.run("nft", "delete", "table", "ip6", "loss")
    address = arrive(lab, gateways, "1")
    session, = [s for s in anchor.sessions("--mn-id", MN_ID[1]) if s["state"] == "live"]
    assert session["prefixes"] == gateways["1"].attachment(1)["prefixes"]
    reaches(lab.cn, address)


def test_all_restart(lab, anchor, gateways, host):
    """Anchor and gateway are killed together; nobody remembers but their stores."""
    address = arrive(lab, gateways, "1")
    for part in (anchor, gateways["1"]):
        for process in (part.control.process, part.data_plane.process):
            process.stop(signal.SIGKILL)
    for part in (gateways["1"], anchor):
        part.start()
    reaches(lab.cn, address)
    reaches(host, CN, address)
    assert global_address(host) == address


@pytest.fixture
def crowded(lab, build, anchor):
    """A third gateway that knows a thousand hosts, and what they hear on its access link."""
    macs = [f"02:00:00:10:{number >> 8:02x}:{number & 255:02x}" for number in range(1000)]
    gateway = AccessGateway(lab, build, "3")
    nodes = ",\n".join(f'{{ mn_id = "crowd{number}@example.net"; link_address = "{mac}"; }}'
                       for number, mac in enumerate(macs))
    gateway.control.reconfigure(("nodes = (", f"nodes = (\n{nodes},"), ('probe = "3s"', 'probe = "0s"'))
    gateway.start()
    crowd = lab.node("crowd")
    veth(crowd, "eth0", lab.air, "crowd")
    lab.air.ip("link set crowd master br-3")
    yield gateway, macs, crowd.packet_socket("eth0")
    stop(gateway)


def test_a_thousand_hosts(lab, anchor, gateways, crowded):
    """Each that solicits a router gets a prefix of its own, and is told alone."""
    gateway, macs, link = crowded
    since = anchor.control.drops()["lma_registered"]
    solicitation = bytes(IPv6(src="::", dst="ff02::2", hlim=255) / ICMPv6ND_RS())

    def solicit(mac):
        link.send(bytes.fromhex("333300000002" + mac.replace(":", "") + "86dd") + solicitation)

    def attached():
        """As hosts do, those that were not answered ask again: a crowd is more than queues hold."""
        served = {a["link_address"] for a in gateway.attachments() if a["state"] == "attached"}
        for mac in set(macs) - served:
            solicit(mac)
        return len(served) == 1000
    wait_for(attached, "all to be attached", 180, 0.5)
    assert anchor.control.drops()["lma_registered"] - since == 1000
    prefixes = {a["link_address"]: a["prefixes"][0] for a in gateway.attachments()}
    assert len(set(prefixes.values())) == 1000
    told = {}

    def heard():
        """Until nothing comes any more; then those that were told nothing ask again."""
        with contextlib.suppress(TimeoutError):
            while frame := link.recv(2048):
                if frame[20:21] == b"\x3a" and frame[54:55] == b"\x86":  # a Router Advertisement
                    option = frame.index(b"\x03\x04\x40", 70)
                    prefix = socket.inet_ntop(socket.AF_INET6, frame[option + 16:option + 32])
                    told[frame[:6].hex(":")] = f"{prefix}/64"
        for mac in set(macs) - set(told):
            solicit(mac)
        return len(told) == 1000
    link.settimeout(1)
    wait_for(heard, "all to be told")
    assert told == prefixes
    gateway.control.process.stop(signal.SIGKILL)
    gateway.control.start()
    wait_for(gateway.synchronised, "the data plane to be synchronised")
    assert {a["link_address"]: a["prefixes"][0] for a in gateway.attachments()} == prefixes


def test_two_anchors(lab, build, anchor, gateways, host):
    """Hosts of one gateway have different anchors; each reaches the other through both."""
    second = SecondAnchor(lab, build)
    second.start()
    gateway = gateways["2"]
    gateway.control.process.stop()
    gateway.control.reconfigure(
        ("anchors = (", 'anchors = ({ name = "lma2"; address = "%s"; spi = 1002; '
         'key_file = "/etc/dmm/mag2.key"; },' % SECOND_ANCHOR),
        ('link_address = "02:00:00:00:01:01"; }', 'link_address = "02:00:00:00:01:01"; anchor = "lma"; }'))
    gateway.control.start()
    wait_for(gateway.synchronised, "the data plane to be synchronised")
    first = arrive(lab, gateways, "2")
    lab.plug("2", "mn2")
    wait_for(lambda: (gateway.attachment(2) or {}).get("anchor") == "lma2"
             and gateway.attachment(2)["state"] == "attached", "the other host to be attached")
    other = wait_for(lambda: next((a for a in lab.mn2.addresses("wlan0") if a.startswith("2001:db8:60")),
                                  None), "it to have an address")
    assert [s["mn_id"] for s in second.sessions()] == [MN_ID[2]]
    reaches(lab.cn, first)
    reaches(lab.cn, other)
    reaches(lab.mn2, first, other)
    gone(lab, gateway, 2)
    wait_for(lambda: second.sessions()[0]["state"] == "ending", "its anchor to be told")
    stop(second)


def test_anchor_restarts(lab, anchor, gateways, host):
    address = arrive(lab, gateways, "1")
    for process in (anchor.control.process, anchor.data_plane.process):
        process.stop(signal.SIGKILL)
    anchor.start()
    reaches(lab.cn, address)
    assert arrive(lab, gateways, "2") == address
    reaches(host, CN, address)


@pytest.fixture
def skewed(build, gateways):
    """The first gateway with a time of day that is ahead by what skewed() says, in seconds."""
    control, clock = gateways["1"].control, gateways["1"].node.directory / "clock"
    good, sanitizer = control.env, os.environ.get("ASAN_OPTIONS", "")

    def skew(seconds):
        fresh = clock.with_suffix(".new")
        fresh.write_text(f"{seconds}\n")
        os.rename(fresh, clock)

    def restart(env):
        control.process.stop(signal.SIGKILL)
        control.env = env
        control.start()
        wait_for(gateways["1"].synchronised, "the data plane to be synchronised")
    skew(-3600)
    # What is loaded before the sanitizer's runtime must be allowed to.
    restart(good | {"LD_PRELOAD": str(pathlib.Path(build) / "test/scenario/wrong_clock.so"),
                    "ASAN_OPTIONS": f"{sanitizer}:verify_asan_link_order=0".strip(":"),
                    "WRONG_CLOCK_FILE": str(clock)})
    yield skew
    restart(good)


def test_clock_beyond_the_window(lab, anchor, gateways, host, skewed):
    """RFC 5213, 5.5 and 6.9.1.2, 9: refused while its clock is wrong, which nobody puts right for it, and served
    as soon as it is right, with the address of before."""
    gateway, ear = gateways["1"], Ear(lab.core, "mag1")

    def offset():
        known, = gateway.control.ask("peer", "show")["peers"]
        return known["clock_offset_ms"]

    def refused(ahead):
        wait_for(lambda: (a := gateway.attachment(1)) and (a["status"], a["state"], a["prefixes"]) ==
                 (TIMESTAMP_MISMATCH, "registering", []), "the host to be refused")
        assert abs(offset() + ahead * 1000) < 60000

    for session in anchor.sessions("--mn-id", MN_ID[1]):  # what is behind it is refused for that
        anchor.control.ctl("session", "clear", session["prefixes"][0].split("/")[0])
    lab.plug("1")
    refused(-3600)
    assert not [s for s in anchor.sessions("--mn-id", MN_ID[1]) if s["state"] == "live"]
    assert not global_address(host)
    # It goes on by its own clock, also when it asks again.
    stamps = wait_for(lambda: len(found := [*map(timestamp, ear.heard(is_update))]) > 1 and found, "it to ask again")
    assert all(abs(time.time() - 3600 - stamp) < 60 for stamp in stamps)
    skewed(0)
    address = arrive(lab, gateways, "1")
    assert offset() is None
    reaches(lab.cn, address)
    # The clock goes wrong while the host is served.
    skewed(3600)
    anchor.control.ctl("session", "renew", gateway.attachment(1)["prefixes"][0].split("/")[0])
    refused(3600)
    skewed(0)
    wait_for(lambda: gateway.attachment(1)["state"] == "attached", "the host to be served again")
    reaches(lab.cn, address)
    ear.close()
