"""Captured packets, as far as the demo needs to know them, and which way they took."""

import ipaddress
import struct

from dataclasses import dataclass, field

HOP_BY_HOP, IN_IPV6, ROUTING, FRAGMENT, ICMPV6, DESTINATION, MOBILITY = 0, 41, 43, 44, 58, 60, 135
EXTENSIONS = (HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION)
SIGNALLING = {0: "refresh request", 5: "update", 6: "acknowledgement"}  # by MH Type
ECHO_REQUEST = 128
AT_HOME = "home"


def text(octets):
    return str(ipaddress.IPv6Address(octets))


@dataclass
class Packet:
    at: int          # ns since 1970
    source: str
    destination: str
    kind: str        # update, acknowledgement, refresh request, tunnel, other
    sequence: int = 0
    status: int = 0
    lifetime: int = 0
    inner: str = ""  # in a tunnel: the inner destination
    ping: int = None  # number of the echo request that it is, or holds


def upper(ip):
    """The upper-layer protocol of an IPv6 packet and what is captured of it."""
    kind, offset = ip[6], 40
    while kind in EXTENSIONS and offset + 8 <= len(ip):
        length = 8 if kind == FRAGMENT else 8 * (ip[offset + 1] + 1)
        kind, offset = ip[offset], offset + length
    return kind, ip[offset:]


def ping_of(kind, rest):
    """The number that our ping writes into its payload; None if it is no echo request."""
    if kind == ICMPV6 and len(rest) >= 16 and rest[0] == ECHO_REQUEST:
        return struct.unpack_from("!Q", rest, 8)[0]
    return None


def packet_of(at, frame):
    """Reads a captured Ethernet frame; None if it is no IPv6 packet."""
    if len(frame) < 54 or frame[12:14] != b"\x86\xdd":
        return None
    ip = frame[14:]
    packet = Packet(at, text(ip[8:24]), text(ip[24:40]), "other")
    kind, rest = upper(ip)
    if kind == IN_IPV6 and len(rest) >= 40:
        packet.kind, packet.inner = "tunnel", text(rest[24:40])
        kind, rest = upper(rest)
    if kind == MOBILITY and len(rest) >= 8:
        packet.kind = SIGNALLING.get(rest[2], packet.kind)
    if kind == MOBILITY and len(rest) >= 12:
        if packet.kind == "update":
            packet.sequence, _, packet.lifetime = struct.unpack_from("!HHH", rest, 6)
        elif packet.kind == "acknowledgement":
            packet.status = rest[6]
            packet.sequence, packet.lifetime = struct.unpack_from("!HH", rest, 8)
    packet.ping = ping_of(kind, rest)
    return packet


def packets_of(capture, since=0):
    """The IPv6 packets of a capture."""
    return list(filter(None, (packet_of(at, frame) for at, frame in capture.packets(since))))


@dataclass
class Paths:
    """Which way the packets for a home address took, seen at the node and between data planes."""
    serving: dict = field(default_factory=dict)  # ping: the data plane at the tunnel's end, or AT_HOME
    relays: dict = field(default_factory=dict)   # ping: the data planes that relayed it, in order
    tunnelled: list = field(default_factory=list)  # (time, data plane) of each packet to the node
    relayed: list = field(default_factory=list)    # (time, data plane) of each packet relayed

    @classmethod
    def seen(cls, at_node, between, home_address, names):
        """names: the data planes by address."""
        paths = cls()
        for packet in at_node:
            if packet.inner == home_address:
                plane = names.get(packet.source, packet.source)
                paths.tunnelled.append((packet.at, plane))
                if packet.ping is not None:
                    paths.serving[packet.ping] = plane
            elif packet.ping is not None and packet.destination == home_address:
                paths.serving[packet.ping] = AT_HOME
        for packet in between:
            if packet.inner == home_address:
                plane = names.get(packet.source, packet.source)
                paths.relayed.append((packet.at, plane))
                if packet.ping is not None:
                    paths.relays.setdefault(packet.ping, []).append(plane)
        return paths

    def astray(self, numbers, serving, relays):
        """Those of these pings that took another way than by 'serving', after 'relays'."""
        return [number for number in numbers
                if (self.serving.get(number), self.relays.get(number, [])) != (serving, relays)]

    def relayed_within(self, begin, end, names):
        """How many packets each data plane relayed."""
        return {name: sum(plane == name and begin <= at < end for at, plane in self.relayed)
                for name in names}
