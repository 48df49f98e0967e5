"""A node played by the test that is on its home link and away at once: the host of the home link is its
other interface."""

import itertools

from scapy.layers.inet6 import IPv6, MIP6OptUnknown

from lab.system import wait_for
from lab.topology import CN
from mip6 import bid
from neighbours import Neighbours
from peer import inner_of

LINK_LAYER_ADDRESS, MOBILE_NODE = 7, 2  # RFC 5568, 6.4.4


class HomeAndAway:
    """A subscriber whose other interface is the peer's."""

    def __init__(self, lab, peer, subscriber):
        self.lab, self.peer, self.subscriber = lab, peer, subscriber
        self.home = subscriber["home_addresses"][0]
        self.neighbours = Neighbours(lab.host)
        self.ear = self.neighbours.ear
        self.numbers = itertools.count(1)

    def update(self, *bids, **changes):
        mac = bytes.fromhex(self.lab.host.mac("eth0").replace(":", ""))
        told = MIP6OptUnknown(otype=LINK_LAYER_ADDRESS, odata=bytes([MOBILE_NODE]) + mac)
        changes = {"more": list(bids) + [told]} | changes
        return self.peer.exchange(self.peer.update(self.subscriber, **changes))

    def bind(self, *flows):
        """BID 1 is away, BID 2 at home and preferred."""
        return self.update(bid(1, self.peer.care_of, priority=9), bid(2, self.home, home=True, priority=1),
                           *flows, overwrite=True)

    def pinged(self, hops=62):
        """Where a ping from the correspondent comes to: the home link, with so many hops left, or a
        care-of address."""
        there, here = self.peer.ear.mark(), self.ear.mark()
        # One of an earlier call may come late.
        ours = b"%08x" % next(self.numbers)
        tunnelled = lambda octets: ours in octets and (inner := inner_of(octets)) is not None and inner.src == CN
        plain = lambda octets: octets[40:41] == b"\x80" and ours in octets and IPv6(octets).src == CN

        def came():
            # Again if it was lost while a neighbour was resolved.
            self.lab.cn.run("ping", "-c", "1", "-W", "1", "-p", ours.hex(), self.home, check=False)
            return self.peer.ear.heard(tunnelled, there) + self.ear.heard(plain, here)
        wait_for(came, "the ping")
        heard = self.ear.heard(plain, here)
        if heard:
            assert (IPv6(heard[0]).dst, IPv6(heard[0]).hlim) == (self.home, hops)
        return "home" if heard else IPv6(self.peer.ear.heard(tunnelled, there)[0]).dst

    def close(self):
        self.neighbours.close()
