"""Who answers for an address on a link. Asked with solicitations of the test's own: a kernel gives up
after three seconds, and then forgets that it did."""

import itertools
import socket

from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, IPv6
from scapy.layers.l2 import Ether
from scapy.utils6 import in6_getnsma, in6_getnsmac

from lab.system import wait_for
from lab.topology import HOME_PREFIX
from peer import Ear

SOURCES = itertools.count(0xF000)


class Neighbours:
    """Asks on an interface of a node; 'ear' is at the same interface."""

    def __init__(self, node, interface="eth0"):
        self.mac = node.mac(interface)
        self.ear = Ear(node, interface)
        self.socket = node.packet_socket(interface)

    def close(self):
        self.ear.close()
        self.socket.close()

    @staticmethod
    def _source():
        """Another one each time: so it is seen what is an answer to what."""
        return HOME_PREFIX.replace("::/64", f"::{next(SOURCES):x}")

    def _ask(self, address, source):
        asked = socket.inet_pton(socket.AF_INET6, address)
        self.socket.send(bytes(
            Ether(src=self.mac, dst=in6_getnsmac(asked), type=0x86DD)
            / IPv6(src=source, dst=socket.inet_ntop(socket.AF_INET6, in6_getnsma(asked)), hlim=255)
            / ICMPv6ND_NS(tgt=address) / ICMPv6NDOptSrcLLAddr(lladdr=self.mac)))

    def _answers(self, address, source, since):
        """The link-layer addresses in what was said to the source."""
        said = map(IPv6, self.ear.heard(lambda octets: octets[24:40] == socket.inet_pton(
            socket.AF_INET6, source), since))
        return [packet[ICMPv6NDOptDstLLAddr].lladdr for packet in said
                if ICMPv6ND_NA in packet and packet[ICMPv6ND_NA].tgt == address]

    def owner(self, address):
        """The link-layer address of who answers for an address; asked again until somebody does."""
        since, source = self.ear.mark(), self._source()

        def answered():
            self._ask(address, source)
            return self._answers(address, source, since)
        return wait_for(answered, f"an answer for {address}", pause=0.2)[0]

    def unowned(self, address, witness):
        """Whether nobody answers for an address. witness: another one, that the only neighbour who
        might do so answers for. It asks for it afterwards: by its answer that for the first has come."""
        since, source = self.ear.mark(), self._source()
        self._ask(address, source)
        self.owner(witness)
        return self._answers(address, source, since) == []
