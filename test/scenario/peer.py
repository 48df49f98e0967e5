"""A mobile node played by the tests: it says exactly what a test wants and shows what it hears.

It lives where the real one would (node mn, wlan0). Its kernel resolves neighbours and nothing
else: everything that is not neighbour discovery is kept from it, so that it does not answer
tunnelled packets or acknowledgements with errors."""

import socket
import struct
import threading
import time

from scapy.layers.inet6 import IPv6

import mip6
from lab.system import LabError, wait_for
from lab.topology import HOME_AGENT, HOME_ROUTER, VISITED_PREFIX

DEAF = """table ip6 peer {
	chain input {
		type filter hook input priority -450;
		icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept
		drop
	}
	chain output {
		type filter hook output priority 0;
		meta mark 1 accept
		icmpv6 type { destination-unreachable, packet-too-big, parameter-problem } drop
		icmpv6 type { nd-router-solicit, mld-listener-report, mld2-listener-report } drop
	}
}
"""
ROUTER = {"home": HOME_ROUTER, "a": "2001:db8:a::1", "b": "2001:db8:b::1"}
CARE_OF = {"a": "2001:db8:a::99", "b": "2001:db8:b::99"}


class Ear:
    """Collects the IPv6 packets that an interface sees, in octets without link header."""

    def __init__(self, node, interface):
        self.packets, self.changed = [], threading.Condition()
        self.socket = node.packet_socket(interface)
        self.mac = bytes.fromhex(node.mac(interface).replace(":", ""))
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            try:
                frame, (_, _, kind, _, _) = self.socket.recvfrom(65536)
            except OSError:
                return
            if kind == socket.PACKET_OUTGOING or frame[12:14] != b"\x86\xdd":
                continue
            with self.changed:
                self.packets.append(frame[14:14 + 40 + int.from_bytes(frame[18:20], "big")])
                self.changed.notify_all()

    def check(self):
        """That it heard everything: raises LabError if the kernel had no room for a packet."""
        sol_packet, packet_statistics = 263, 6
        seen, lost = struct.unpack("II", self.socket.getsockopt(sol_packet, packet_statistics, 8))
        if lost:
            raise LabError(f"the test's own capture lost {lost} of {seen} packets")

    def mark(self):
        """A place in what was heard, for 'since'."""
        with self.changed:
            return len(self.packets)

    def heard(self, wanted, since=0):
        """The packets so far for which wanted(octets) holds."""
        self.check()
        with self.changed:
            return [packet for packet in self.packets[since:] if wanted(packet)]

    def wait(self, wanted, what, since=0, limit=60):
        """Waits for the first packet for which wanted(octets) holds."""
        end = time.monotonic() + limit
        seen = since
        with self.changed:
            while True:
                while seen < len(self.packets):
                    if wanted(self.packets[seen]):
                        return self.packets[seen]
                    seen += 1
                left = end - time.monotonic()
                if left <= 0:
                    raise LabError(f"waited {limit} s in vain for {what}")
                self.changed.wait(left)

    def close(self):
        self.socket.close()


class Peer:
    """name: the node that it is played on; host: the last part of its care-of addresses."""

    def __init__(self, lab, name="mn", host=None):
        self.lab, self.node, self.host = lab, lab.node(name), host
        self.node.run("nft", "-f", "-", stdin=DEAF)
        self.node.sysctl({"net.ipv6.conf.wlan0.accept_ra": 0, "net.ipv6.conf.wlan0.accept_dad": 0})
        self.raw = self.node.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 1)  # ours, see DEAF
        self.ear = Ear(self.node, "wlan0")
        self.care_of = None
        self.sequence = 0
        self.repeated = set()  # sequence numbers of what was sent again and may be answered twice

    def leave(self):
        """Forgets its addresses and routes."""
        self.node.ip("address flush dev wlan0 scope global")
        # Not in the batch: there, the routes of IPv4 are flushed.
        self.node.run("ip", "-6", "route", "flush", "dev", "wlan0", "proto", "static")

    def attach(self, link, address=None):
        """Goes to a link and takes an address there."""
        self.care_of = address or CARE_OF.get(link)
        if self.care_of and self.host and not address:
            self.care_of = VISITED_PREFIX[link] + self.host
        self.lab.plug(link, self.node.name)
        self.leave()
        if self.care_of:
            self.node.ip(f"address add {self.care_of}/64 dev wlan0 nodad",
                         f"route replace default via {ROUTER[link]} dev wlan0 proto static")

    def send(self, packet):
        """Sends an IPv6 packet, octets or scapy, as it is."""
        octets = bytes(packet)
        destination = socket.inet_ntop(socket.AF_INET6, octets[24:40])
        wait_for(lambda: self._sent(octets, destination), f"a route to {destination}")

    def _sent(self, octets, destination):
        try:
            self.raw.sendto(octets, (destination, 0))
            return True
        except OSError:  # the link is not up yet
            return False

    def update(self, subscriber, **changes):
        """A Binding Update of a subscriber as its owner would make it, but for the changes."""
        self.sequence = (self.sequence + 1) & 0xFFFF
        values = {"home": subscriber["home_addresses"][0], "care_of": self.care_of,
                  "agent": HOME_AGENT, "mn_id": subscriber["mn_id"],
                  "spi": subscriber.get("spi"), "sequence": self.sequence,
                  "key": bytes.fromhex(subscriber.get("key", ""))}
        return mip6.binding_update(**(values | changes))

    def exchange(self, packet, limit=60):
        """Sends a Binding Update and returns the acknowledgement that answers it. What is not answered
        for long is sent again, as nodes do: a packet may be lost while a neighbour is resolved."""
        at = mip6.octets_before_mh(bytes(packet)) + 6
        sequence = int.from_bytes(bytes(packet)[at:at + 2], "big")
        since, others = self.ear.mark(), self.repeated - {sequence}

        def wanted(heard):
            return mip6.mh_type(heard) == mip6.BA and mip6.Acknowledgement(heard).sequence not in others

        for patience in (limit / 4, limit * 3 / 4):
            self.send(packet)
            try:
                return mip6.Acknowledgement(
                    self.ear.wait(wanted, "a Binding Acknowledgement", since, patience))
            except LabError:
                if patience > limit / 2:
                    raise
            self.repeated.add(sequence)

    def register(self, subscriber, **changes):
        """Registers, which must succeed; returns the acknowledgement."""
        answer = self.exchange(self.update(subscriber, **changes))
        assert answer.status == 0, f"status {answer.status}"
        return answer

    def ignored(self, other, packet):
        """Sends a packet that must not be answered, then an update of another node that is;
        returns what else was answered, which must be nothing."""
        since = self.ear.mark()
        self.send(packet)
        self.register(other, sequence=60000)
        return [answer for answer in self.acknowledgements(since) if answer.sequence != 60000]

    def acknowledgements(self, since):
        return [mip6.Acknowledgement(octets) for octets in
                self.ear.heard(lambda heard: mip6.mh_type(heard) == mip6.BA, since)]

    def close(self):
        self.ear.close()
        self.raw.close()
        self.node.run("nft", "delete", "table", "ip6", "peer")
        # The real mobile node may be next here.
        self.leave()
        self.node.sysctl({"net.ipv6.conf.wlan0.accept_ra": 1, "net.ipv6.conf.wlan0.accept_dad": 1})


def inner_of(octets):
    """The packet inside an IPv6-in-IPv6 packet (destination options before it allowed), or None."""
    kind, at = octets[6], 40
    while kind == 60 and len(octets) >= at + 8:
        kind, at = octets[at], at + 8 * (octets[at + 1] + 1)
    return IPv6(octets[at:]) if kind == 41 else None
