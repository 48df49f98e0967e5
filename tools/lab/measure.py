"""What a move cost, worked out from what was captured and recorded."""

import ipaddress
import json
import socket
import struct
import threading
import time

from dataclasses import dataclass, field

MILLISECOND = 1_000_000
HOP_BY_HOP, IN_IPV6, ROUTING, FRAGMENT, ICMPV6, DESTINATION, MOBILITY = 0, 41, 43, 44, 58, 60, 135
EXTENSIONS = (HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION)
BINDING_UPDATE, BINDING_ACKNOWLEDGEMENT = 5, 6
RTM_NEWADDR, RTMGRP_IPV6_IFADDR, IFA_ADDRESS, IFA_FLAGS = 20, 0x100, 1, 8
IFA_F_OPTIMISTIC, IFA_F_TENTATIVE = 0x04, 0x40


def text(octets):
    return str(ipaddress.IPv6Address(octets))


@dataclass
class Packet:
    """What the measurement needs to know of a captured packet."""
    at: int
    source: str
    destination: str
    kind: str        # update, acknowledgement, tunnel, other
    sequence: int = 0
    status: int = 0
    lifetime: int = 0
    inner: str = ""  # tunnel: the inner destination


def packet_of(at, frame):
    """Reads a captured Ethernet frame; None if it is no IPv6 packet."""
    if len(frame) < 54 or frame[12:14] != b"\x86\xdd":
        return None
    ip = frame[14:]
    packet = Packet(at, text(ip[8:24]), text(ip[24:40]), "other")
    kind, offset = ip[6], 40
    while kind in EXTENSIONS and offset + 8 <= len(ip):
        length = 8 if kind == FRAGMENT else 8 * (ip[offset + 1] + 1)
        kind, offset = ip[offset], offset + length
    rest = ip[offset:]
    if kind == IN_IPV6 and len(rest) >= 40:
        packet.kind, packet.inner = "tunnel", text(rest[24:40])
    elif kind == MOBILITY and len(rest) >= 12:
        if rest[2] == BINDING_UPDATE:
            packet.kind = "update"
            packet.sequence, _, packet.lifetime = struct.unpack_from("!HHH", rest, 6)
        elif rest[2] == BINDING_ACKNOWLEDGEMENT:
            packet.kind, packet.status = "acknowledgement", rest[6]
            packet.sequence, packet.lifetime = struct.unpack_from("!HH", rest, 8)
    return packet


class AddressWatch:
    """Notes when addresses of a node become usable, as its kernel announces it."""

    def __init__(self, node):
        self.seen = []  # (time in ns, address)
        self.socket = node.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.socket.bind((0, RTMGRP_IPV6_IFADDR))
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            data = self.socket.recv(65536)
            at = time.time_ns()
            while len(data) >= 16:
                length, kind = struct.unpack_from("=IH", data)
                if kind == RTM_NEWADDR:
                    self._address(at, data[16:length])
                data = data[(length + 3) & ~3:]

    def _address(self, at, message):
        address, flags = None, message[2]
        attributes = message[8:]
        while len(attributes) >= 4:
            length, kind = struct.unpack_from("=HH", attributes)
            if kind == IFA_ADDRESS:
                address = text(attributes[4:20])
            elif kind == IFA_FLAGS:
                flags = struct.unpack_from("=I", attributes, 4)[0]
            attributes = attributes[(length + 3) & ~3:]
        # An optimistic address may be used before duplicate address detection ends (RFC 4429).
        if address and (not flags & IFA_F_TENTATIVE or flags & IFA_F_OPTIMISTIC):
            self.seen.append((at, address))


def log_events(path):
    """The JSON lines of a traffic program so far."""
    events = []
    with open(path) as file:
        for line in file:
            if line.endswith("}\n"):
                events.append(json.loads(line))
    return events


@dataclass
class Pings:
    """The echo requests: when each was sent, heard by the mobile node, and answered."""
    sent: dict
    heard: dict
    replied: dict

    @classmethod
    def read(cls, ping_log, hear_log):
        sent, heard, replied = {}, {}, {}
        for event in log_events(ping_log):
            if event["event"] in ("sent", "unsent"):
                sent[event["number"]] = event["at"]
            elif event["event"] == "reply":
                replied.setdefault(event["number"], event["at"])
        for event in log_events(hear_log):
            if event["event"] == "heard":
                heard.setdefault(event["number"], event["at"])
        return cls(sent, heard, replied)

    def lost(self, begin, end):
        return [number for number, at in self.sent.items()
                if begin <= at < end and number not in self.heard]

    def longest_gap(self, begin, end, nominal):
        """Longest time between two arrivals within [begin, end], less the nominal one, in ns."""
        times = sorted(at for at in self.heard.values() if begin <= at <= end)
        gaps = [b - a for a, b in zip(times, times[1:])]
        return max(0, max(gaps, default=end - begin) - nominal)


@dataclass
class Move:
    """One move. Times in ns since 1970; None: it did not happen."""
    origin: str
    target: str
    unplugged: int
    usable: int = None        # the address of the new link may be used
    updates: list = field(default_factory=list)
    update_source: str = None  # where the first of them came from
    acknowledged: int = None
    status: int = None
    restored: int = None      # first downlink packet on the new path
    gap: int = None           # interruption as the ping saw it
    lost: int = None
    end: int = None

    def signalling(self):
        """First Binding Update to Binding Acknowledgement."""
        return self.acknowledged - self.updates[0] if self.acknowledged and self.updates else None

    def recovery(self):
        """Address of the new link usable to first downlink packet on the new path."""
        return max(0, self.restored - self.usable) if self.restored and self.usable else None

    def as_json(self):
        def ms(value):
            return None if value is None else round(value / MILLISECOND, 3)

        return {"from": self.origin, "to": self.target, "signalling_ms": ms(self.signalling()),
                "interruption_ms": ms(self.gap), "lost": self.lost,
                "recovery_ms": ms(self.recovery()), "updates": len(self.updates),
                "status": self.status}


def on_new_path(packet, target, prefix, home_address):
    """Whether a packet reached the mobile node the way it must after a move to 'target'."""
    if target == "home":
        return packet.kind == "other" and packet.destination == home_address
    return (packet.kind == "tunnel" and packet.inner == home_address
            and ipaddress.IPv6Address(packet.destination) in ipaddress.IPv6Network(prefix))


def complete(move, packets, prefix, home_address, usable_addresses):
    """Fills in what the captured packets and address announcements since the move say."""
    network = ipaddress.IPv6Network(prefix)
    for at, address in usable_addresses:
        if move.usable is None and at >= move.unplugged and ipaddress.IPv6Address(address) in network:
            move.usable = at
    sequences = set()
    for packet in packets:
        if packet.at < move.unplugged:
            continue
        if packet.kind == "update" and move.acknowledged is None:
            move.updates.append(packet.at)
            move.update_source = move.update_source or packet.source
            sequences.add(packet.sequence)
        elif (packet.kind == "acknowledgement" and packet.sequence in sequences
                and move.acknowledged is None):
            move.acknowledged, move.status = packet.at, packet.status
        elif move.restored is None and on_new_path(packet, move.target, prefix, home_address):
            move.restored = packet.at
    # Hearing of it takes us longer than the mobile node; what it sends from it, it may use.
    if move.usable and move.updates and ipaddress.IPv6Address(move.update_source) in network:
        move.usable = min(move.usable, move.updates[0])
