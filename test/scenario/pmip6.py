"""Proxy Binding Updates and Acknowledgements made and read by hand, after the figures of RFC 5213
(nothing here comes from the code under test), and a mobile access gateway that the tests play."""

import itertools
import socket
import threading
import time

from scapy.layers.inet6 import IPv6

import mip6
from lab.proxy import ANCHOR, CORE_AT_GATEWAY, GATEWAY, KEY, SPI
from lab.system import LabError, wait_for
from peer import DEAF, Ear, inner_of

ALTERNATE_COA, MN_ID, AUTH = 3, 8, 9
PREFIX, HANDOFF, ACCESS, LINK_ID, LINK_LOCAL, TIMESTAMP = 22, 23, 24, 25, 26, 27
NEW_INTERFACE, OTHER_INTERFACE, OTHER_GATEWAY, UNKNOWN, NOT_CHANGED = 1, 2, 3, 4, 5
DELEGATED = 55
WLAN = 4
A, P, D = 0x8000, 0x0200, 0x0010
ANY = "::"


def now(offset=0.0):
    """RFC 5213, 8.8: 48 bits of seconds, 16 of fractions."""
    return int((time.time() + offset) * 65536)


def option(mh, kind, data, multiple=1, rest=0):
    """Appends an option at its alignment: (offset of the type) = multiple * n + rest."""
    pad = (rest - len(mh)) % multiple
    if pad == 1:
        mh += b"\0"
    elif pad:
        mh += bytes([1, pad - 2]) + bytes(pad - 2)
    mh += bytes([kind, len(data)]) + data


def prefix_option(text):
    address, _, length = text.partition("/")
    return bytes([0, int(length or 0)]) + mip6.address(address)


def update(care_of, *, key=None, spi=0, mn_id=None, prefixes=(ANY,), handoff=NEW_INTERFACE,
           access=WLAN, link_id=None, link_local=None, timestamp=None, sequence=1, lifetime=60,
           flags=A | P, source=None, destination=ANCHOR, alternate=None, delegated=(), extra=()):
    """A Proxy Binding Update as an IPv6 packet in octets. Options that are None or empty are left
    out; timestamp None: now, False: none; key None: no authentication option; extra: pairs of type
    and data."""
    mh = bytearray([59, 0, mip6.BU, 0, 0, 0])
    for value in (sequence, flags, lifetime):
        mh += value.to_bytes(2, "big")
    if alternate:
        option(mh, ALTERNATE_COA, mip6.address(alternate), 8, 6)
    if mn_id:
        option(mh, MN_ID, b"\1" + mn_id.encode())
    for prefix in prefixes:
        option(mh, PREFIX, prefix_option(prefix), 8, 4)
    for prefix in delegated:
        option(mh, DELEGATED, prefix_option(prefix), 8, 2)
    if handoff is not None:
        option(mh, HANDOFF, bytes([0, handoff]))
    if access is not None:
        option(mh, ACCESS, bytes([0, access]))
    if timestamp is not False:
        option(mh, TIMESTAMP, (timestamp or now()).to_bytes(8, "big"), 8, 2)
    if link_id:
        option(mh, LINK_ID, b"\0\0" + link_id)
    if link_local:
        option(mh, LINK_LOCAL, mip6.address(link_local), 8, 6)
    for kind, data in extra:
        option(mh, kind, data)
    return finish(mh, source or care_of, destination, alternate or care_of, key, spi)


def finish(mh, source, destination, care_of, key, spi):
    """Authentication (RFC 4285, 5.1; the home address is all zero), length, checksum, IPv6."""
    if key:
        option(mh, AUTH, b"\1" + spi.to_bytes(4, "big") + bytes(12), 4, 1)
        mac_at = len(mh) - 12
    tail = -len(mh) % 8
    if tail == 1:
        mh += b"\0"
    elif tail:
        mh += bytes([1, tail - 2]) + bytes(tail - 2)
    mh[1] = len(mh) // 8 - 1
    if key:
        mh[mac_at:mac_at + 12] = mip6.authenticator(key, care_of, ANY, bytes(mh[:mac_at]))
    packet = mip6.with_checksum(bytes(mh), source, destination)
    return bytes(IPv6(src=source, dst=destination, nh=mip6.MH, hlim=64, plen=len(packet))) + packet


class Answer(mip6.Acknowledgement):
    """A Proxy Binding Acknowledgement."""

    def __init__(self, octets):
        super().__init__(octets)
        self.bits = self.octets[7]
        found = [(kind, data) for _, kind, data in mip6.options_of(self.octets)]
        self.kinds = [kind for kind, _ in found]
        self.prefixes, self.delegated = ([f"{socket.inet_ntop(socket.AF_INET6, data[2:18])}/{data[1]}"
                                          for kind, data in found if kind == wanted]
                                         for wanted in (PREFIX, DELEGATED))

    def number(self, kind):
        return int.from_bytes(self.options[kind], "big")

    def text(self, kind):
        return self.options[kind][1:].decode()

    def signed(self, key, care_of):
        return self.authentic(key, care_of, ANY)


class PlayedGateway:
    """Lives in node magN, on the cable that a data plane would have."""

    sequences = itertools.count(1)

    def __init__(self, lab, link):
        self.link, self.node = link, lab.node(f"mag{link}")
        self.care_of, self.key, self.spi = GATEWAY[link], bytes.fromhex(KEY[link]), SPI[link]
        self.node.run("nft", "-f", "-", stdin=DEAF)
        self.node.ip(f"address add {self.care_of}/64 dev v-core nodad",
                     f"route replace default via {CORE_AT_GATEWAY[link]}")
        self.raw = self.node.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 1)  # ours, see DEAF
        self.ear = Ear(self.node, "v-core")

    def close(self):
        self.ear.close()
        self.raw.close()
        self.node.ip(f"address delete {self.care_of}/64 dev v-core")
        self.node.run("nft", "delete", "table", "ip6", "peer")

    def send(self, packet):
        octets = bytes(packet)
        destination = socket.inet_ntop(socket.AF_INET6, octets[24:40])
        wait_for(lambda: self._sent(octets, destination), f"a route to {destination}")

    def _sent(self, octets, destination):
        try:
            self.raw.sendto(octets, (destination, 0))
            return True
        except OSError:
            return False

    def update(self, name, **changes):
        """A good Proxy Binding Update of this gateway for a node, but for the changes."""
        values = {"mn_id": name, "key": self.key, "spi": self.spi,
                  "sequence": next(self.sequences) & 0xFFFF, "link_id": name.encode()[:6]}
        return update(self.care_of, **(values | changes))

    def exchange(self, packet, sequence=None, limit=60):
        """Sends an update and returns the acknowledgement that has its sequence number, or this."""
        sequence = None if sequence is None else sequence.to_bytes(2, "big")
        since = self.ear.mark()
        self.send(packet)
        return self.answer_to(packet, since, sequence, limit)

    def answer_to(self, packet, since, sequence=None, limit=60):
        """Waits for the acknowledgement that has the sequence number of an update, or this, in octets."""
        sequence = sequence or packet[46:48]
        return Answer(self.ear.wait(lambda heard: mip6.mh_type(heard) == mip6.BA and heard[48:50] == sequence,
                                    "a Proxy Binding Acknowledgement", since, limit))

    def register(self, name, **changes):
        """Registers, which must succeed; returns the acknowledgement. What is not answered is asked again,
        as gateways do: a packet may be lost while a neighbour is resolved."""
        for limit in (10, 20, 60):
            try:
                answer = self.exchange(self.update(name, **changes), limit=limit)
                break
            except LabError:
                if limit == 60:
                    raise
        assert answer.status == 0, f"status {answer.status}"
        return answer

    def message(self, kind, since, limit=60, wanted=lambda message: True):
        """Waits for a message of the anchor of a type other than acknowledgements."""
        return Message(self.ear.wait(
            lambda heard: mip6.mh_type(heard) == kind and wanted(Message(heard)),
            f"a message of type {kind}", since, limit))

    def indicated(self, since, trigger, node):
        """Waits for the Binding Revocation Indication about a node (RFC 5846, 8.1)."""
        wanted = INDICATION, trigger, b"\1" + node.encode()
        return self.message(REVOCATION, since, wanted=lambda m: (m.kind, m.what, m.option(MN_ID)) == wanted)

    def revoke(self, trigger, sequence, **changes):
        """Sends a Binding Revocation Indication; returns the acknowledgement."""
        since = self.ear.mark()
        self.send(revocation(self.care_of, INDICATION, trigger, sequence,
                             **({"key": self.key, "spi": self.spi} | changes)))
        return self.message(REVOCATION, since, wanted=lambda m: (m.kind, m.sequence) ==
                            (ACKNOWLEDGEMENT, sequence))

    def acknowledge(self, indication, status):
        """Answers a Binding Revocation Indication."""
        self.send(revocation(self.care_of, ACKNOWLEDGEMENT, status, indication.sequence, key=self.key,
                             spi=self.spi, flags=indication.flags))

    def answer_heartbeats(self, since, counter):
        """Answers all requests since then, with this restart counter; an anchor takes that to its last."""
        for octets in self.ear.heard(lambda heard: mip6.mh_type(heard) == HEARTBEAT, since):
            request = Message(octets)
            if request.octets[7] == 0:
                assert request.signed(self.key, self.care_of) and request.option(RESTART_COUNTER) is None
                self.send(heartbeat(self.care_of, 1, int.from_bytes(request.octets[8:12], "big"),
                                    key=self.key, spi=self.spi, counter=counter))

    def tunnelled(self, payload, since):
        """Waits for a packet with this payload that came through the tunnel; its octets."""
        return self.ear.wait(lambda heard: heard[6] == 41 and heard.endswith(payload)
                             and inner_of(heard) is not None, "a tunnelled packet", since)

    def send_inner(self, inner):
        """A packet of a mobile node, through the tunnel."""
        self.send(IPv6(src=self.care_of, dst=ANCHOR, nh=41, hlim=64) / inner)


REVOCATION, HEARTBEAT, NOTIFICATION, NOTIFIED = 16, 13, 19, 20
INDICATION, ACKNOWLEDGEMENT = 1, 2
REVOKES_PROXY, REVOKES_IPV4, REVOKES_ALL = 0x8000, 0x4000, 0x2000
ADMINISTRATIVE, SAME_ACCESS, UNKNOWN_HANDOVER, PER_PEER, LOCAL_POLICY = 1, 2, 4, 128, 129
RESTART_COUNTER = 28


def revocation(care_of, kind, what, sequence, *, key=None, spi=0, mn_id=None, prefixes=(),
               flags=REVOKES_PROXY, timestamp=None):
    """A Binding Revocation of a gateway (RFC 5846, 5); what: trigger or status; timestamp None: now,
    in indications, False: none."""
    mh = bytearray([59, 0, REVOCATION, 0, 0, 0, kind, what])
    mh += sequence.to_bytes(2, "big") + flags.to_bytes(2, "big")
    if mn_id:
        option(mh, MN_ID, b"\1" + mn_id.encode())
    for prefix in prefixes:
        option(mh, PREFIX, prefix_option(prefix), 8, 4)
    if timestamp is None:
        timestamp = kind == INDICATION and now()
    if timestamp:
        option(mh, TIMESTAMP, timestamp.to_bytes(8, "big"), 8, 2)
    return finish(mh, care_of, ANCHOR, care_of, key, spi)


def heartbeat(care_of, flags, sequence, *, key=None, spi=0, counter=None):
    """A Heartbeat of a gateway (RFC 5847, 3.3); flags: 2 unsolicited, 1 response."""
    mh = bytearray([59, 0, HEARTBEAT, 0, 0, 0]) + flags.to_bytes(2, "big") + sequence.to_bytes(4, "big")
    if counter is not None:
        option(mh, RESTART_COUNTER, counter.to_bytes(4, "big"), 4, 2)
    return finish(mh, care_of, ANCHOR, care_of, key, spi)


def notified(care_of, sequence, status, *, key=None, spi=0):
    """An Update Notification Acknowledgement of a gateway (RFC 7077, 4.2)."""
    mh = bytearray([59, 0, NOTIFIED, 0, 0, 0]) + sequence + bytes([status, 0, 0, 0])
    return finish(mh, care_of, ANCHOR, care_of, key, spi)


def unknown_type(care_of):
    """A Binding Error with status 2 (RFC 6275, 6.1.9), which nobody signs."""
    return finish(bytearray([59, 0, mip6.BE, 0, 0, 0, 2, 0]) + bytes(16), care_of, ANCHOR, care_of, None, 0)


class Message:
    """A mobility message of the anchor that is no acknowledgement of a registration."""

    def __init__(self, packet):
        self.octets = packet[40:]
        self.kind, self.what = self.octets[6], self.octets[7]
        self.sequence = int.from_bytes(self.octets[8:10], "big")
        self.flags = int.from_bytes(self.octets[10:12], "big")
        self.options = [(kind, data) for _, kind, data in mip6.options_of(self.octets)]
        self.prefixes = [f"{socket.inet_ntop(socket.AF_INET6, data[2:18])}/{data[1]}"
                         for kind, data in self.options if kind == PREFIX]

    def option(self, wanted):
        return next((data for kind, data in self.options if kind == wanted), None)

    def signed(self, key, care_of):
        """Whether it ends with the authenticator of RFC 4285, 5.1."""
        at = next(at for at, kind, _ in mip6.options_of(self.octets) if kind == AUTH)
        return self.octets[at + 7:at + 19] == mip6.authenticator(key, care_of, ANY, self.octets[:at + 7])


class PlayedAnchor:
    """An anchor of RFC 5213 alone: options that it does not know are skipped. It gives every node the
    same prefix. Lives on a node of its own."""

    ECHOED = (MN_ID, HANDOFF, ACCESS, LINK_ID, TIMESTAMP)

    def __init__(self, node, address, prefix, key, spi):
        self.node, self.address, self.prefix, self.key, self.spi = node, address, prefix, key, spi
        self.updates = []  # (source, options by type) of each
        self.socket = node.socket(socket.AF_INET6, socket.SOCK_RAW, mip6.MH)
        self.socket.bind((address, 0))
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self.socket.close()

    def _serve(self):
        while True:
            try:
                mh, (source, *_) = self.socket.recvfrom(2048)
            except OSError:
                return
            if mh[2] != mip6.BU:
                continue
            options = {kind: data for _, kind, data in mip6.options_of(mh)}
            self.updates.append((source, options))
            self.socket.sendto(self._acknowledgement(mh, source, options), (source, 0))

    def _acknowledgement(self, update, source, options):
        mh = bytearray([59, 0, mip6.BA, 0, 0, 0, 0, 0x20]) + update[6:8] + update[10:12]
        for kind in self.ECHOED:
            if kind in options:
                option(mh, kind, options[kind], *((8, 2) if kind == TIMESTAMP else ()))
        option(mh, PREFIX, prefix_option(self.prefix), 8, 4)
        return finish(mh, self.address, source, source, self.key, self.spi)[40:]
