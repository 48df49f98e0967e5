"""A node with several care-of addresses that data planes of their own serve, played by a peer on each
link."""

import socket

from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

from lab.system import LabError, wait_for
from lab.topology import CN
from lab.two_planes import ADDRESS
from mip6 import BID_OPTION, bid, options_of, statuses
from peer import inner_of

ALTERNATE_CARE_OF_ADDRESS = 3


class TwoInterfaces:
    """A node with an interface on either link, played by two peers; each path has a data plane of
    its own, and a flow."""

    def __init__(self, control, values, one, two, cn):
        self.control, self.values, self.cn = control, values, cn
        self.home, self.interfaces, self.sent = values["home_addresses"][0], {1: one, 2: two}, 0
        for interface, link in ((one, "a"), (two, "b")):
            interface.attach(link)

    def ask(self, *options):
        """Registers both paths; returns the statuses of flows, and where the tunnel of each BID ends."""
        asks = self.interfaces[1]
        answer = asks.exchange(asks.update(self.values, overwrite=True, more=[
            *(bid(number, interface.care_of, priority=10 * number)
              for number, interface in self.interfaces.items()), *options]))
        assert (answer.status, answer.bids) == (0, [(1, 0), (2, 0)])
        ends, last = {}, None
        for _, kind, data in options_of(answer.octets):
            if kind == BID_OPTION:
                last = int.from_bytes(data[:2], "big")
            elif kind == ALTERNATE_CARE_OF_ADDRESS:
                ends[last] = socket.inet_ntop(socket.AF_INET6, data)
        return statuses(answer), [ends.get(number, ends.get(None)) for number in self.interfaces]

    def ask_nearest(self, wanted, *options):
        """The same until each path is served by the data plane that is nearest: one that was slow to answer
        is passed over. wanted: the statuses of flows, each time."""
        def asked():
            found, ends = self.ask(*options)
            assert found == wanted
            return ends == [ADDRESS["dp1"], ADDRESS["dp2"]]

        wait_for(asked, "each data plane to serve its path", 60, 0.5)

    def ask_for(self, number, *options):
        """Registers this path alone, by its own interface; returns the statuses of flows."""
        only = self.interfaces[number]
        answer = only.exchange(only.update(self.values, overwrite=True, more=[
            bid(number, only.care_of, priority=10 * number), *options]))
        assert (answer.status, answer.bids) == (0, [(number, 0)])
        return statuses(answer)

    def bindings(self):
        return {b["bid"]: b for b in self.control.bindings() if b["home_address"] == self.home}

    def served(self):
        return [binding["data_plane"] for _, binding in sorted(self.bindings().items())]

    def lasting(self, number):
        """What a data plane that comes and goes must not change of another's path."""
        kept = ("care_of_address", "registered", "updated", "path_id", "data_plane", "state")
        return {key: self.bindings()[number][key] for key in kept}

    def flows(self):
        shown = self.control.ask("flow", "show", "--home-address", self.home)["flows"]
        return [(f["fid"], f["bids"], f["active"]) for f in shown]

    def comes_by(self, port):
        """The BID and the data plane that a packet of this flow comes by; one that is lost is sent
        again. None: all are."""
        return next(filter(None, (self._comes_by(port) for _ in range(30))), None)

    def _comes_by(self, port):
        self.sent += 1
        payload = b"flow%06d" % self.sent
        since = {number: each.ear.mark() for number, each in self.interfaces.items()}
        self.cn.send(IPv6(src=CN, dst=self.home) / UDP(sport=port, dport=9) / Raw(payload))

        def heard():
            return [(number, IPv6(octets).src) for number, each in self.interfaces.items()
                    for octets in each.ear.heard(
                        lambda octets: inner_of(octets) is not None and octets.endswith(payload), since[number])]
        try:
            wait_for(heard, "the packet", 2)
        except LabError:
            return None
        (number, source), = heard()
        return number, next(name for name, address in ADDRESS.items() if address == source)
