"""What the data plane does to packets of bound nodes (RFC 2473; RFC 6275, 10.4 and 9.3.4)."""

import socket

import pytest
from scapy.layers.inet import UDP
from scapy.layers.inet6 import (ICMPv6DestUnreach, ICMPv6EchoRequest,
                                ICMPv6PacketTooBig, ICMPv6ParamProblem, IPv6, IPv6ExtHdrDestOpt,
                                HBHOptUnknown)
from scapy.packet import Raw

from lab.system import wait_for
from lab.topology import CN, HOME_AGENT, HOST
from peer import CARE_OF, Ear, inner_of

TUNNEL_OVERHEAD = 40


@pytest.fixture
def bound(peer, subscriber):
    """A home address that is registered from link A."""
    peer.attach("a")
    node = subscriber()
    peer.register(node)
    return node["home_addresses"][0]


@pytest.fixture
def cn(lab):
    """The correspondent node: sends whole packets, hears."""
    class Correspondent:
        ear = Ear(lab.cn, "eth0")
        raw = lab.cn.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)

        def send(self, packet):
            octets = bytes(packet)
            self.raw.sendto(octets, (socket.inet_ntop(socket.AF_INET6, octets[24:40]), 0))

        def hear(self, layer, what, since):
            return IPv6(self.ear.wait(lambda heard: layer in IPv6(heard), what, since))

    made = Correspondent()
    yield made
    made.ear.close()
    made.raw.close()


def tunnelled(peer, cn, packet):
    """Sends a packet from the correspondent node; returns what reaches the care-of address."""
    since = peer.ear.mark()
    cn.send(packet)
    payload = bytes(packet)[-8:]
    return IPv6(peer.ear.wait(lambda heard: inner_of(heard) and heard.endswith(payload),
                              "the tunnelled packet", since))


def uplink(peer, inner, source=None, destination=HOME_AGENT):
    peer.send(bytes(IPv6(src=source or peer.care_of, dst=destination, nh=41, hlim=64) / inner))


def test_downlink_is_encapsulated(peer, cn, bound):
    sent = IPv6(src=CN, dst=bound, hlim=61, tc=0, fl=0x12345) / UDP(sport=7, dport=9) / Raw(b"downlink")
    outer = tunnelled(peer, cn, sent)
    assert (outer.src, outer.dst, outer.nh) == (HOME_AGENT, CARE_OF["a"], 41)
    inner = outer[IPv6].payload
    # core and the gateway are the two routers on the way of the inner packet.
    assert inner.hlim == 59
    assert (inner.src, inner.dst, inner.fl) == (CN, bound, 0x12345)
    assert bytes(inner)[40:] == bytes(sent)[40:]


def test_flow_label_of_the_tunnel_belongs_to_the_flow(peer, cn, bound):
    """RFC 6438: not zero, the same for one flow, different for most others."""
    def label(port):
        return tunnelled(peer, cn, IPv6(src=CN, dst=bound) / UDP(sport=port, dport=9)
                         / Raw(b"flow%04d" % port)).fl

    labels = [label(port) for port in range(1000, 1008)]
    assert label(1000) == labels[0]
    assert 0 not in labels
    assert len(set(labels)) > 4


@pytest.mark.parametrize("ecn", [0, 1, 2, 3])
def test_ecn_is_copied_outwards(peer, cn, bound, ecn):
    outer = tunnelled(peer, cn, IPv6(src=CN, dst=bound, tc=ecn) / UDP(sport=7, dport=9)
                      / Raw(b"ecnout%02d" % ecn))
    assert outer.tc & 3 == ecn
    assert outer.payload.tc & 3 == ecn


@pytest.mark.parametrize("inner, outer, result", [(2, 3, 3), (1, 3, 3), (2, 2, 2), (0, 1, 0), (1, 2, 1)])
def test_ecn_is_combined_inwards(peer, cn, bound, inner, outer, result):
    """RFC 6040, 4.2."""
    since = cn.ear.mark()
    payload = b"ecnin%d%d" % (inner, outer)
    packet = IPv6(src=bound, dst=CN, tc=inner) / UDP(sport=7, dport=9) / Raw(payload)
    peer.send(bytes(IPv6(src=CARE_OF["a"], dst=HOME_AGENT, nh=41, tc=outer) / packet))
    heard = IPv6(cn.ear.wait(lambda octets: octets.endswith(payload), "the packet", since))
    assert heard.tc & 3 == result


def test_congestion_that_the_flow_cannot_be_told_is_a_drop(peer, cn, bound, counted):
    """RFC 6040, 4.2: a congestion mark around a packet that is not ECN capable."""
    since = cn.ear.mark()
    for inner, outer in ((0, 3), (0, 0)):
        peer.send(bytes(IPv6(src=CARE_OF["a"], dst=HOME_AGENT, nh=41, tc=outer)
                        / IPv6(src=bound, dst=CN, tc=inner) / UDP(dport=9) / Raw(b"notect%d" % outer)))
    cn.ear.wait(lambda octets: octets.endswith(b"notect0"), "the packet without a mark", since)
    assert not cn.ear.heard(lambda octets: octets.endswith(b"notect3"), since)
    assert counted("tunnel_ecn") == 1


def test_uplink_is_decapsulated(peer, cn, bound):
    since = cn.ear.mark()
    sent = IPv6(src=bound, dst=CN, hlim=64) / UDP(sport=5, dport=6) / Raw(b"uplink")
    uplink(peer, sent)
    heard = IPv6(cn.ear.wait(lambda octets: octets.endswith(b"uplink"), "the packet", since))
    assert (heard.src, heard.dst) == (bound, CN)
    assert heard.hlim == 62


def test_traffic_of_the_only_binding_is_counted(peer, cn, bound, control):
    since = cn.ear.mark()
    up = IPv6(src=bound, dst=CN, hlim=64) / UDP(sport=5, dport=6) / Raw(b"counted up")
    down = IPv6(src=CN, dst=bound, hlim=64) / UDP(sport=6, dport=5) / Raw(b"counted down")
    tunnelled(peer, cn, down)
    uplink(peer, up)
    cn.ear.wait(lambda octets: octets.endswith(b"counted up"), "the packet", since)
    def told():
        (shown,) = control.ask("binding", "show", "--traffic", "--home-address", bound)["bindings"]
        traffic = shown["traffic"]
        return traffic and traffic["in_packets"] and traffic["out_packets"] and traffic

    # Without the figures of a data plane that takes too long to tell them.
    carried = wait_for(told, "the data plane to tell of it")
    assert carried["preferred"] and carried["last_in"] and carried["last_out"]
    assert carried["in_packets"] >= 1 and carried["in_octets"] >= len(bytes(up))
    assert carried["out_packets"] >= 1 and carried["out_octets"] >= len(bytes(down))


@pytest.mark.parametrize("how", ["outer source", "inner source", "not bound"])
def test_uplink_that_does_not_match_the_binding(peer, cn, bound, subscriber, counted, how):
    """Dropped, counted, and never forwarded (RFC 6275, 10.4.3)."""
    since = cn.ear.mark()
    source = bound
    if how == "outer source":
        peer.node.ip("address add 2001:db8:a::66/64 dev wlan0 nodad")
        uplink(peer, IPv6(src=bound, dst=CN) / UDP(dport=6) / Raw(b"forged"), source="2001:db8:a::66")
    else:
        source = HOST if how == "not bound" else "2001:db8:dead::1"
        uplink(peer, IPv6(src=source, dst=CN) / UDP(dport=6) / Raw(b"forged"))
    uplink(peer, IPv6(src=bound, dst=CN) / UDP(dport=6) / Raw(b"right"))
    cn.ear.wait(lambda octets: octets.endswith(b"right"), "the right packet", since)
    assert not cn.ear.heard(lambda octets: octets.endswith(b"forged"), since)
    assert counted("wrong_care_of" if how == "outer source" else "unknown_source") == 1


def test_forwarding_stops_with_the_binding(peer, cn, subscriber):
    peer.attach("a")
    node = subscriber()
    home = node["home_addresses"][0]
    peer.register(node)
    tunnelled(peer, cn, IPv6(src=CN, dst=home) / UDP(dport=9) / Raw(b"while it lasts"))
    peer.register(node, lifetime=0)
    since = cn.ear.mark()
    mark = peer.ear.mark()
    cn.send(IPv6(src=CN, dst=home) / UDP(dport=9) / Raw(b"too late"))
    # The gateway looks for the address on the home link, finds nobody, and says so.
    cn.hear(ICMPv6DestUnreach, "the unreachable error", since)
    assert not peer.ear.heard(inner_of, mark)


def test_packet_too_big_for_the_tunnel(peer, cn, bound):
    since = cn.ear.mark()
    cn.send(IPv6(src=CN, dst=bound) / UDP(dport=9) / Raw(bytes(1500 - 48)))
    error = cn.hear(ICMPv6PacketTooBig, "a Packet Too Big", since)
    assert error[ICMPv6PacketTooBig].mtu == 1500 - TUNNEL_OVERHEAD
    assert error[ICMPv6PacketTooBig].payload.dst == bound


def test_largest_packet_that_fits_the_tunnel(peer, cn, bound):
    payload = bytes(1460 - 48 - 8) + b"justfits"
    outer = tunnelled(peer, cn, IPv6(src=CN, dst=bound) / UDP(dport=9) / Raw(payload))
    assert outer.plen == 1460


def test_error_inside_the_tunnel_reaches_the_sender(peer, cn, bound):
    """RFC 2473, 8: what a router says about the tunnel packet is told to the inner sender."""
    sent = IPv6(src=CN, dst=bound) / UDP(sport=7, dport=9) / Raw(b"tell me!")
    outer = tunnelled(peer, cn, sent)
    since = cn.ear.mark()
    peer.send(IPv6(src="2001:db8:a::1", dst=HOME_AGENT) / ICMPv6DestUnreach(code=3) / Raw(bytes(outer)[:1200]))
    error = cn.hear(ICMPv6DestUnreach, "the relayed error", since)
    about = IPv6(bytes(error[ICMPv6DestUnreach].payload))
    assert (about.src, about.dst) == (CN, bound)


def test_packet_too_big_inside_the_tunnel_is_told_with_the_tunnel_s_overhead(peer, cn, bound):
    sent = IPv6(src=CN, dst=bound) / UDP(sport=7, dport=9) / Raw(bytes(1392) + b"too big!")
    outer = tunnelled(peer, cn, sent)
    since = cn.ear.mark()
    peer.send(IPv6(src="2001:db8:a::1", dst=HOME_AGENT) / ICMPv6PacketTooBig(mtu=1400)
              / Raw(bytes(outer)[:1200]))
    error = cn.hear(ICMPv6PacketTooBig, "the relayed error", since)
    assert error[ICMPv6PacketTooBig].mtu == 1400 - TUNNEL_OVERHEAD


def test_tunnel_encapsulation_limit(peer, cn, bound):
    """RFC 2473, 4.1.1: a packet that may not be encapsulated again is refused."""
    limit = HBHOptUnknown(otype=4, optdata=b"\0")
    since = cn.ear.mark()
    cn.send(IPv6(src=CN, dst=bound) / IPv6ExtHdrDestOpt(options=[limit]) / UDP(dport=9) / Raw(b"nested"))
    problem = cn.hear(ICMPv6ParamProblem, "a Parameter Problem", since)[ICMPv6ParamProblem]
    octets = bytes(problem.payload)
    assert problem.code == 0
    assert octets[problem.ptr] == 0 and octets[problem.ptr - 2] == 4


def test_hop_limit_ends_at_the_gateway(peer, cn, bound):
    """What leaves the gateway with no hops left is answered, not tunnelled."""
    since, mark = cn.ear.mark(), peer.ear.mark()
    cn.send(IPv6(src=CN, dst=bound, hlim=2) / UDP(dport=9) / Raw(b"far away"))
    error = IPv6(cn.ear.wait(lambda heard: heard[6] == 58 and heard[40] == 3, "Time Exceeded", since))
    assert error.src == HOME_AGENT
    assert not peer.ear.heard(inner_of, mark)


def test_two_bound_nodes_talk(peer, lab, cn, bound, subscriber):
    """Uplink of one is downlink of the other."""
    other = subscriber()
    peer.register(other)
    since = peer.ear.mark()
    uplink(peer, IPv6(src=bound, dst=other["home_addresses"][0]) / ICMPv6EchoRequest(data=b"neighbour"))
    octets = peer.ear.wait(lambda heard: inner_of(heard) and heard.endswith(b"neighbour"), "the ping", since)
    assert inner_of(octets).dst == other["home_addresses"][0]


def answers(node, destination):
    """A ping is answered, perhaps not the first: it may be lost while a neighbour is resolved."""
    wait_for(lambda: "1 received" in node.run("ping", "-c", "1", "-W", "1", destination, check=False),
             f"{destination} to answer")


def test_plain_routing_between_the_ports(lab, gateway):
    """Addresses of the home link that are no mobile node's are reached as through any router."""
    for node, destination in ((lab.cn, HOST), (lab.host, CN)):
        answers(node, destination)


def test_the_gateway_itself_answers(lab, gateway):
    answers(lab.cn, HOME_AGENT)
