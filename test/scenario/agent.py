"""A home agent played by the tests, on the gateway's node: it answers exactly as a test wants and
shows what it hears. Nothing of the gateway runs beside it."""

import socket
import threading

from scapy.layers.inet6 import (HAO, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrRouting, MIP6MH_BA,
                                MIP6MH_BRR, MIP6MH_BU, MIP6OptAltCoA, MIP6OptMNID,
                                MIP6OptMsgAuth, MIP6OptReplayProtection)

import mip6
from lab.topology import CORE_GATEWAY, HOME_ADDRESS, HOME_AGENT, HOME_ROUTER
from peer import Ear, inner_of

SPI, KEY, MN_ID = 1000, bytes(range(16)), "mn1@example.net"  # those of configs/dmm-mn.cfg
SILENT = object()

# The kernel resolves neighbours and routes plain traffic; mobility is the test's alone.
DEAF = f"""table ip6 agent {{
	chain input {{
		type filter hook input priority -450;
		icmpv6 type {{ nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert }} accept
		drop
	}}
	chain forward {{
		type filter hook forward priority 0;
		ip6 daddr {HOME_ADDRESS} iifname "v-core" drop
	}}
}}
"""


class Update:
    """A Binding Update as received."""

    def __init__(self, octets):
        packet = IPv6(octets)
        self.octets, self.packet = octets, packet
        self.source = packet.src
        options = packet.getlayer(IPv6ExtHdrDestOpt)
        homes = [o.hoa for o in options.options if isinstance(o, HAO)] if options else []
        self.home_option = homes[0] if homes else None
        self.home = self.home_option or self.source
        message = packet[MIP6MH_BU]
        self.sequence, self.lifetime = message.seq, message.mhtime
        self.mh = octets[mip6.octets_before_mh(octets):]
        self.options = mip6.options_of(self.mh)

    def option(self, kind):
        return next((data for _, number, data in self.options if number == kind), None)

    @property
    def timestamp(self):
        data = self.option(10)
        return int.from_bytes(data, "big") if data else None

    def authentic(self):
        at, kind, data = self.options[-1]
        good = mip6.authenticator(KEY, self.source, self.home, self.mh[:at + mip6.SPI_AND_HEAD])
        return kind == mip6.AUTH_OPTION and data == b"\1" + SPI.to_bytes(4, "big") + good

    def checksum_good(self):
        return mip6.mh_checksum_good(self.mh, self.home, HOME_AGENT)


def acknowledgement(update, *, status=0, sequence=None, lifetime=None, timestamp=None, key=KEY,
                    spi=SPI, source=HOME_AGENT, home=None, tunnel=None,
                    more=()):
    """The answer to an update, right unless told otherwise, as octets. tunnel: where it ends."""
    options = [MIP6OptMNID(subtype=1, id=MN_ID)]
    if tunnel:
        options.append(MIP6OptAltCoA(acoa=tunnel))
    stamp = timestamp if timestamp is not None else update.timestamp
    if stamp is not None:
        options.append(MIP6OptReplayProtection(timestamp=stamp))
    options += more
    options.append(MIP6OptMsgAuth(subtype=1, mspi=spi, authdata=bytes(12)))
    lifetime = (0 if status >= 128 else update.lifetime) if lifetime is None else lifetime
    message = MIP6MH_BA(status=status, seq=update.sequence if sequence is None else sequence,
                        mhtime=lifetime, options=options)
    octets = bytes(IPv6(src=source, dst=update.home) / message)[40:]
    at = mip6.options_of(octets)[-1][0]
    message.options[-1].authdata = mip6.authenticator(key, update.source, update.home,
                                                      octets[:at + mip6.SPI_AND_HEAD])
    return in_packet(message, update, source, home)


def in_packet(message, update, source=HOME_AGENT, home=None):
    """A message to where an update came from, with a type 2 routing header if it is away."""
    packet = IPv6(src=source, dst=update.source)
    if update.home_option:
        packet /= IPv6ExtHdrRouting(type=2, addresses=[home or update.home], segleft=1)
    octets = bytes(packet / message)
    at = mip6.octets_before_mh(octets)
    return octets[:at] + mip6.with_checksum(octets[at:], source, home or update.home)


class Agent:
    """Answers every update with success, but for those that `script` has entries for: the changes
    to its acknowledgement, a function that gives them, a list of changes for several answers, or
    SILENT. It carries the node's packets both ways."""

    def __init__(self, lab):
        self.lab, self.node = lab, lab.gw
        self.node.run("nft", "-f", "-", stdin=DEAF)
        self.node.ip(f"address replace {HOME_AGENT}/64 dev v-core nodad",
                     f"address replace {HOME_ROUTER}/64 dev v-home nodad",
                     f"route replace default via {CORE_GATEWAY} dev v-core",
                     "neigh flush dev v-home")
        self.raw = self.node.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.changed = threading.Condition()
        self.updates, self.inner, self.script, self.care_of = [], [], [], None
        self.ending = False
        self.ears = [Ear(self.node, "v-core"), Ear(self.node, "v-home")]
        self.threads = [threading.Thread(target=self._work, args=(ear,)) for ear in self.ears]
        for thread in self.threads:
            thread.start()

    def _work(self, ear):
        done = 0
        while not self.ending:
            with ear.changed:
                if len(ear.packets) == done:
                    ear.changed.wait(0.2)
                fresh, done = ear.packets[done:], len(ear.packets)
            for octets in fresh:
                self._take(octets)

    def _take(self, octets):
        if mip6.mh_type(octets) == mip6.BU:
            self._answer(Update(octets))
        elif octets[24:40] == mip6.address(HOME_ADDRESS) and self.care_of:
            self.send(bytes(IPv6(src=HOME_AGENT, dst=self.care_of, nh=41, plen=len(octets)))
                      + octets)
        elif octets[6] == 41 and octets[24:40] == mip6.address(HOME_AGENT):
            self._release(octets)

    def _release(self, octets):
        inner = inner_of(octets)
        with self.changed:
            self.inner.append((octets, inner))
            self.changed.notify_all()
        if inner.src == HOME_ADDRESS:
            self.send(octets[40:])

    def _answer(self, update):
        with self.changed:
            entry = self.script.pop(0) if self.script else {}
            self.updates.append(update)
            self.changed.notify_all()
        if entry is SILENT:
            return
        for changes in entry if isinstance(entry, list) else [entry]:
            changes = changes(update) if callable(changes) else changes
            if changes.get("status", 0) < 128 and not {"key", "spi", "timestamp"} & set(changes):
                self.care_of = update.source if update.lifetime else None
            self.send(acknowledgement(update, **changes))

    def send(self, octets):
        try:
            self.raw.sendto(octets, (socket.inet_ntop(socket.AF_INET6, octets[24:40]), 0))
        except OSError:  # too long for the link, or the node is gone: lost, as on any network
            pass

    def request_refresh(self):
        """A Binding Refresh Request to where the node was last heard."""
        self.send(in_packet(MIP6MH_BRR(), self.updates[-1]))

    def wait_update(self, number, limit=60):
        """The update with this number, counted from 0."""
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.updates) > number, limit):
                raise AssertionError(f"no update {number} within {limit} s")
            return self.updates[number]

    def close(self):
        self.ending = True
        for thread in self.threads:
            thread.join()
        for ear in self.ears:
            ear.close()
        self.raw.close()
        self.node.run("nft", "delete", "table", "ip6", "agent")
