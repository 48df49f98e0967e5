"""Reports of listeners that nodes send through their tunnels, where the configuration says that they are
taken (RFC 6275, 10.4.3)."""

import fcntl
import json
import os
import select
import struct
import threading

import pytest
from scapy.layers.inet6 import ICMPv6MLReport, IPv6, IPv6ExtHdrHopByHop, RouterAlert
from scapy.utils import PcapWriter

import mip6
from lab import programs
from lab.system import run, wait_for
from peer import inner_of
from test_multicast import (FORBIDDEN, SENDER, hears, option, records, records_of, report, source,  # noqa: F401
                            tunnelled)
from test_node_multicast import ANY, OTHER, SPECIFIC, Listener

QUERIER = 'querier = { interval = "30s"; response = "1s"; last_listener = "100ms"; };'
INCLUDE, EXCLUDE, ALLOW = 3, 4, 5  # changes to; new sources
RAW = 101  # link type of a capture: IP packets
TUNSETIFF, IFF_TUN_NO_PI = 0x400454CA, 0x1001


@pytest.fixture(scope="module")
def gateway(lab, build):
    started = programs.Gateway(lab, build)
    started.control.reconfigure(('querier = { interval = "125s"; };', QUERIER),
                                # All of global scope; others have to be said.
                                ('groups = ["ff1e::/16", "ff3e::/32"];', 'groups = ["ff00::/8"];'),
                                ('reports = "ignored";', 'reports = "taken";'))
    started.start()
    yield started
    for process in (started.data_plane.process, started.control.process):
        assert process.stop() == 0


def listened(control, home):
    """What the gateway sends copies of to a home address: {(group, source or None)}."""
    found = set()
    for item in control.ask("mcast", "show")["groups"]:
        # Nothing, if it has gone since.
        answer = control.ctl("--json", "mcast", "members", item["group"], check=False)
        if answer and home in [member["home_address"] for member in json.loads(answer)["listeners"]]:
            found.add((item["group"], item["source"]))
    return found


def arrives(peer, source, group, payload):
    def came():
        source.send(group, payload)
        return peer.ear.heard(lambda octets: octets[6] == 41 and payload in octets)

    wait_for(came, f"{group} in the tunnel")


def mld_type(octets):
    """That of a message in a tunnel packet."""
    inner = inner_of(octets)
    return bytes(inner)[48] if inner and inner.nh == 0 else None


def judged(path, octets):
    """What tshark makes of a packet: the type of its ICMPv6 message, and what is wrong."""
    with PcapWriter(str(path), linktype=RAW) as capture:
        capture.write(octets)
    return run("tshark", "-r", path, "-T", "fields", "-e", "icmpv6.type", "-e", "_ws.expert.message").split()


def test_a_node_reports_and_leaves(peer, subscriber, control, counted, source, tmp_path):
    node = subscriber()
    home = node["home_addresses"][0]
    peer.attach("a")
    since = peer.ear.mark()
    peer.register(node)
    general = peer.ear.wait(lambda octets: mld_type(octets) == 130, "a general query", since)
    query = inner_of(general)
    assert query.src.startswith("fe80:") and query.dst == "ff02::1" and query.hlim == 1
    tunnelled(peer, records_of((EXCLUDE, ANY), (EXCLUDE, FORBIDDEN), src=home))
    wait_for(lambda: listened(control, home) == {(ANY, None)}, "the group to be listened to")
    wait_for(lambda: counted("mld_forbidden") > 0, "the forbidden one to be counted")
    arrives(peer, source, ANY, b"by report")
    assert {"mn_id": node["mn_id"], "home_address": home, "reached": True, "groups": 1} in control.ask(
        "mcast", "tunnels")["tunnels"]
    assert home in control.ctl("mcast", "tunnels")
    # From a link-local address, with sources; and of MLDv1.
    tunnelled(peer, records_of((ALLOW, SPECIFIC, SENDER), src="fe80::7:7"))
    tunnelled(peer, IPv6(src="fe80::7:7", dst=OTHER, hlim=1) / IPv6ExtHdrHopByHop(options=[RouterAlert()])
              / ICMPv6MLReport(mladdr=OTHER))
    wait_for(lambda: {(SPECIFIC, SENDER), (OTHER, None)} < listened(control, home), "the others")
    arrives(peer, source, SPECIFIC, b"by source")
    since = peer.ear.mark()
    tunnelled(peer, records_of((INCLUDE, ANY), src=home))
    specific = peer.ear.wait(lambda octets: mld_type(octets) == 130 and inner_of(octets).dst == ANY,
                             "a query for others who listen", since)
    for octets in general, specific:
        assert judged(tmp_path / "query.pcap", octets) == ["130"]
    wait_for(lambda: (ANY, None) not in listened(control, home), "the group to be left")
    assert counted("mld_ignored") == 0
    peer.register(node, lifetime=0)
    wait_for(lambda: listened(control, home) == set(), "all to end with the binding")


def test_strangers_and_limits(peer, subscriber, control, counted):
    node, other = subscriber(multicast_max_groups=1), subscriber()
    home = node["home_addresses"][0]
    peer.attach("a")
    peer.register(node)
    tunnelled(peer, records_of((EXCLUDE, OTHER), src=home))
    wait_for(lambda: listened(control, home) == {(OTHER, None)}, "the group to be listened to")
    # A lower group does not drive out the one that is there.
    tunnelled(peer, records_of((EXCLUDE, ANY), src=home))
    wait_for(lambda: counted("mld_tunnel_refused") > 0, "the second group to be refused")
    assert listened(control, home) == {(OTHER, None)}
    # Not in the tunnel of another node, bound or not.
    tunnelled(peer, records_of((EXCLUDE, ANY), src=other["home_addresses"][0]))
    wait_for(lambda: counted("mld_ignored") > 0, "the stranger to be ignored")
    bad = records_of((EXCLUDE, ANY), src=home)
    bad.hlim = 2
    tunnelled(peer, bad)
    wait_for(lambda: counted("mld_hop_limit") > 0, "the hop limit to be counted")
    assert listened(control, other["home_addresses"][0]) == set()


def test_an_option_wins(peer, subscriber, control, counted, source):
    node = subscriber()
    home = node["home_addresses"][0]
    peer.attach("a")
    peer.register(node)
    tunnelled(peer, records_of((EXCLUDE, ANY), src=home))
    wait_for(lambda: listened(control, home) == {(ANY, None)}, "the group to be listened to")
    assert records(peer.register(node, more=option(report(OTHER, FORBIDDEN)))) == {OTHER}
    assert counted("multicast_overruled") > 0 and counted("multicast_refused") > 0
    assert listened(control, home) == {(OTHER, None)}
    wait_for(lambda: control.ask("mcast", "tunnels", "--count") == {"asked": 0, "told_by_option": 1},
             "nobody to be asked")
    assert control.ask("mcast", "tunnels")["tunnels"] == []
    tunnelled(peer, records_of((EXCLUDE, ANY), src=home))
    wait_for(lambda: counted("mld_ignored") > 0, "the report to be ignored")
    arrives(peer, source, OTHER, b"by option")
    assert listened(control, home) == {(OTHER, None)}


class Kernel:
    """The node's Linux in place of the test: an interface whose packets go through the tunnel."""

    def __init__(self, lab, peer):
        self.peer, self.node, self.ending = peer, lab.mn, False
        self.name = f"listen{os.getpid()}"
        self.tun = open("/dev/net/tun", "r+b", buffering=0)  # pylint: disable=consider-using-with
        fcntl.ioctl(self.tun, TUNSETIFF, struct.pack("16sH22x", self.name.encode(), IFF_TUN_NO_PI))
        run("ip", "link", "set", self.name, "netns", lab.mn.namespace)
        for hook, way in (("input", "iifname"), ("output", "oifname")):
            lab.mn.run("nft", "insert", "rule", "ip6", "peer", hook, way, self.name, "accept")
        self.wire = lab.mn.packet_socket("wlan0")
        self.thread = threading.Thread(target=self._work)

    def start(self, home):
        self.node.ip(f"link set {self.name} up", f"address add {home}/128 dev {self.name} nodad")
        self.thread.start()

    def _work(self):
        while not self.ending:
            ready, _, _ = select.select([self.tun, self.wire], [], [], 0.1)
            if self.tun in ready:
                octets = self.tun.read(2000)
                if octets[0] >> 4 == 6:
                    tunnelled(self.peer, octets)
            if self.wire in ready:
                packet = self.wire.recv(2000)[14:]
                if packet[6] == 41 and packet[24:40] == mip6.address(self.peer.care_of):
                    self.tun.write(packet[40:])

    def close(self):
        self.ending = True
        if self.thread.ident:
            self.thread.join()
        self.wire.close()
        self.tun.close()


@pytest.fixture
def kernel(lab, peer):
    made = Kernel(lab, peer)
    yield made
    made.close()


def test_linux_reports(lab, peer, kernel, subscriber, control, source):
    node = subscriber()
    home = node["home_addresses"][0]
    peer.attach("a")
    kernel.start(home)
    peer.register(node)
    listener = Listener(lab, kernel.name)
    listener.join(ANY)
    listener.join_source(SPECIFIC, SENDER)
    hears(listener, source, ANY, "the group")
    hears(listener, source, SPECIFIC, "the source")
    # Nothing of this is in the store: Linux says it again when it is asked after a restart.
    control.process.stop()
    control.start()
    hears(listener, source, ANY, "the group after a restart")
    wait_for(lambda: listened(control, home) == {(ANY, None), (SPECIFIC, SENDER)}, "both")
    listener.leave(ANY)
    wait_for(lambda: listened(control, home) == {(SPECIFIC, SENDER)}, "the group to be left")
    listener.close()
    wait_for(lambda: listened(control, home) == set(), "all to be left")
