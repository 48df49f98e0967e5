"""A node on its home link and away at once (RFC 5648, 5.6 and 6.3), played with scapy: its other
interface is the host of the home link."""

import pytest
from scapy.layers.inet6 import ICMPv6EchoRequest, ICMPv6ND_NA, IPv6, MIP6OptUnknown

from lab.system import wait_for
from lab.topology import CN
from mip6 import bid
from peer import CARE_OF, Ear, inner_of

LINK_LAYER_ADDRESS, MOBILE_NODE = 7, 2  # RFC 5568, 6.4.4
WITHOUT_ND, AT_HOME = 5, 169
WLAN = CARE_OF["a"]


@pytest.fixture
def node(peer, subscriber, lab, policy):
    """node(POLICY): dmm-ctrl has this policy, and a subscriber is at link A and at home."""
    ear = Ear(lab.host, "eth0")

    class Node:
        def __init__(self, text):
            policy(text)
            self.subscriber = subscriber()
            self.home = self.subscriber["home_addresses"][0]
            self.ear = ear
            peer.attach("a")

        def update(self, *bids, **changes):
            mac = bytes.fromhex(lab.host.mac("eth0").replace(":", ""))
            told = MIP6OptUnknown(otype=LINK_LAYER_ADDRESS, odata=bytes([MOBILE_NODE]) + mac)
            changes = {"more": list(bids) + [told]} | changes
            return peer.exchange(peer.update(self.subscriber, **changes))

        def bind(self):
            return self.update(bid(1, WLAN, priority=9), bid(2, self.home, home=True, priority=1),
                               overwrite=True)

        def pinged(self):
            """Where a ping from the correspondent comes to: the home link, or a care-of address."""
            there, here = peer.ear.mark(), ear.mark()
            lab.cn.run("ping", "-c", "1", "-W", "1", self.home, check=False)
            tunnelled = lambda octets: (inner := inner_of(octets)) is not None and inner.src == CN
            plain = lambda octets: octets[40:41] == b"\x80" and IPv6(octets).src == CN
            wait_for(lambda: peer.ear.heard(tunnelled, there) + ear.heard(plain, here), "the ping")
            heard = ear.heard(plain, here)
            if heard:
                assert (IPv6(heard[0]).dst, IPv6(heard[0]).hlim) == (self.home, 62)
            return "home" if heard else IPv6(peer.ear.heard(tunnelled, there)[0]).dst
    yield Node
    ear.close()


def resolved(lab, home):
    """Whether anybody answers for the address on the home link."""
    lab.host.ip("neigh flush dev eth0")
    lab.host.run("ping", "-c", "1", "-W", "1", home, check=False)

    def state():
        return next((entry["state"] for entry in lab.host.ip_json("-6", "neigh", "show", "dev", "eth0")
                     if entry["dst"] == home), ["NONE"])
    wait_for(lambda: state() not in (["INCOMPLETE"], ["NONE"]), "the resolution to end")
    return state() != ["FAILED"]


def test_the_gateway_is_the_only_router(node, lab, control, peer):
    """Topology a: status 0, the node answers for its address itself, packets reach it without being
    asked for."""
    here = node('at_home = "defends-itself";')
    answer = here.bind()
    assert (answer.status, answer.bids) == (0, [(1, 0), (2, 0)])
    assert here.pinged() == "home"
    assert not resolved(lab, here.home)
    home = [binding["at_home"] for binding in control.bindings() if binding["home_address"] == here.home]
    assert sorted(home) == [False, True]
    # It leaves: a registration without H. The gateway answers again, and says so.
    since = here.ear.mark()
    assert here.update(bid(1)).status == 0
    assert here.pinged() == WLAN
    wait_for(lambda: here.ear.heard(lambda octets: ICMPv6ND_NA in IPv6(octets) and
                                    IPv6(octets)[ICMPv6ND_NA].tgt == here.home, since), "the news")
    assert resolved(lab, here.home)


def test_there_are_other_routers(node, lab):
    """Topology b: status 5, the gateway goes on answering for the address."""
    here = node('at_home = "is-defended";')
    answer = here.bind()
    assert (answer.status, answer.bids) == (WITHOUT_ND, [(1, 0), (2, WITHOUT_ND)])
    assert here.pinged() == "home"
    assert resolved(lab, here.home)
    # Ended by its number alone.
    assert here.update(bid(2), lifetime=0).status == 0
    assert here.pinged() == WLAN


def test_it_is_refused_unless_configured(node):
    here = node("")
    answer = here.update(bid(2, here.home, home=True))
    assert (answer.status, answer.bids) == (AT_HOME, [(2, 0)])
