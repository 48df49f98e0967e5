"""A node on its home link and away at once (RFC 5648, 5.6 and 6.3): played with scapy, where its other
interface is the host of the home link, and dmm-mn."""

import signal
import socket

import pytest
from scapy.layers.inet6 import ICMPv6ND_NA, IPv6

import mip6
from home_and_away import HomeAndAway
from lab.system import wait_for
from lab.topology import CN, HOME_ADDRESS
from mip6 import bid
from neighbours import Neighbours
from peer import CARE_OF, Ear, inner_of

WITHOUT_ND, AT_HOME = 5, 169
WLAN = CARE_OF["a"]


@pytest.fixture
def node(peer, subscriber, lab, policy):
    """node(POLICY): dmm-ctrl has this policy, and a subscriber is at link A and at home."""
    made = []

    def start(text):
        policy(text)
        peer.attach("a")
        made.append(HomeAndAway(lab, peer, subscriber()))
        return made[0]
    yield start
    for one in made:
        one.close()


def test_the_gateway_is_the_only_router(node, lab, control, peer, subscriber):
    """Topology a: status 0, the node answers for its address itself, packets reach it without being
    asked for."""
    here = node('at_home = "defends-itself";')
    answer = here.bind()
    assert (answer.status, answer.bids) == (0, [(1, 0), (2, 0)])
    assert here.pinged() == "home"
    absent = subscriber()
    peer.register(absent)
    assert here.neighbours.unowned(here.home, absent["home_addresses"][0])
    home = [binding["at_home"] for binding in control.bindings() if binding["home_address"] == here.home]
    assert sorted(home) == [False, True]
    # It leaves: a registration without H. The gateway answers again, and says so.
    since = here.ear.mark()
    assert here.update(bid(1)).status == 0
    assert here.pinged() == WLAN
    wait_for(lambda: here.ear.heard(lambda octets: ICMPv6ND_NA in IPv6(octets) and
                                    IPv6(octets)[ICMPv6ND_NA].tgt == here.home, since), "the news")
    assert here.neighbours.owner(here.home) == lab.gw.mac("home")


def test_there_are_other_routers(node, lab):
    """Topology b: status 5, the gateway goes on answering for the address."""
    here = node('at_home = "is-defended";')
    answer = here.bind()
    assert (answer.status, answer.bids) == (WITHOUT_ND, [(1, 0), (2, WITHOUT_ND)])
    assert here.pinged() == "home"
    assert here.neighbours.owner(here.home) == lab.gw.mac("home")
    # Ended by its number alone.
    assert here.update(bid(2), lifetime=0).status == 0
    assert here.pinged() == WLAN


def test_it_is_refused_unless_configured(node):
    here = node("")
    answer = here.update(bid(2, here.home, home=True))
    assert (answer.status, answer.bids) == (AT_HOME, [(2, 0)])


# ---- dmm-mn


class Both:
    """dmm-mn at home by wlan0 and on link B by lte0; UDP port 9000 is to come by lte0."""

    def __init__(self, lab, control, node):
        self.lab, self.control, self.node = lab, control, node
        self.ears = {name: Ear(lab.mn, name) for name in ("wlan0", "lte0")}
        self.neighbours = Neighbours(lab.host)

    def paths(self):
        """By interface: whether it is the home link, and the status if the home agent has it."""
        return {path["interface"]: (path["at_home"], path["status"] if path["registered"] else None)
                for path in self.node.status()["paths"]}

    def wait_for_paths(self, **expected):
        wait_for(lambda: self.paths() == expected, f"the paths to be {expected}", 60)

    def at_home(self):
        """By BID: whether the home agent has the home link as its care-of address."""
        return {binding["bid"]: binding["at_home"] for binding in self.control.bindings()
                if binding["home_address"] == HOME_ADDRESS}

    def answers(self, source=None):
        wait_for(lambda: "1 received" in (source or self.lab.cn).run(
            "ping", "-c", "1", "-W", "1", HOME_ADDRESS, check=False), "the home address to answer", 60)

    def exchanged(self, port):
        """The interfaces that a datagram of the correspondent's port comes by, and one to it goes by."""
        marks = {name: ear.mark() for name, ear in self.ears.items()}
        for_us = {"wlan0": lambda octets: octets[6] == 17 and IPv6(octets).dst == HOME_ADDRESS,
                  "lte0": lambda octets: (inner := inner_of(octets)) is not None and inner.nh == 17}
        came = lambda: {name for name, ear in self.ears.items() if ear.heard(for_us[name], marks[name])}
        before = self.sent()
        with self.lab.cn.socket(socket.AF_INET6, socket.SOCK_DGRAM) as there, \
                self.lab.mn.socket(socket.AF_INET6, socket.SOCK_DGRAM) as here:
            there.bind((CN, port))
            there.settimeout(60)
            here.bind((HOME_ADDRESS, 9))
            there.sendto(b"down", (HOME_ADDRESS, 9))
            wait_for(came, "the datagram to come", 60)
            here.sendto(b"up", (CN, port))
            assert there.recvfrom(9)[0] == b"up"
        return came(), {name for name, count in self.sent().items() if count > before[name]}

    def sent(self):
        return {path["interface"]: path["out_packets"] for path in self.node.status()["paths"]}

    def neighbour(self):
        """Who answers for the home address on the home link: "mn" or "gw"."""
        owners = {self.lab.mn.mac("wlan0"): "mn", self.lab.gw.mac("home"): "gw"}
        return owners[self.neighbours.owner(HOME_ADDRESS)]


@pytest.fixture
def both(mobile_node, lab, control, policy):
    """both(POLICY): such a node, where dmm-ctrl has this policy."""
    made = []
    if not lab.mn.has_link("lte0"):
        lab.radio("mn", "lte0", "mn-lte")

    def start(text):
        policy(text)
        mobile_node.reconfigure(
            ('interfaces = ["wlan0"]', 'interfaces = ["wlan0", "lte0"]'),
            ('home_binding = false;', 'home_binding = true;'),
            ('multihoming = "off";', 'multihoming = "bulk"; flows = ('
             '{ id = 1; protocol = 17; remote_port = 9000; interfaces = ["lte0"]; });'))
        lab.plug("home")
        lab.plug("b", "mn-lte")
        mobile_node.start()
        made.append(Both(lab, control, mobile_node))
        return made[0]
    yield start
    for one in made:
        # With its bindings given back nothing of them, such as a revocation, comes to the next node.
        assert mobile_node.process.stop() == 0
        wait_for(lambda one=one: one.at_home() == {}, "the bindings to be given back", 60)
        for ear in (*one.ears.values(), one.neighbours):
            ear.close()
    lab.plug(None, "mn-lte")


def test_mobile_node_is_defended(both, lab):
    """Topology b, dmm-mn: the gateway goes on answering for the address; by the home link packets come
    and go as they are, by the other in the tunnel. It leaves, and comes back."""
    here = both('at_home = "is-defended";')
    here.wait_for_paths(wlan0=(True, WITHOUT_ND), lte0=(False, WITHOUT_ND))
    assert here.at_home() == {1: True, 2: False}
    here.answers()
    assert here.exchanged(9001) == ({"wlan0"}, {"wlan0"})
    assert here.exchanged(9000) == ({"lte0"}, {"lte0"})
    wait_for(lambda: here.neighbour() == "gw", "the gateway to answer for the address", 60)
    here.answers(lab.host)
    lab.plug(None)
    wait_for(lambda: here.at_home() == {2: False}, "the home binding to end", 60)
    here.answers()
    lab.plug("home")
    wait_for(lambda: here.at_home() == {1: True, 2: False}, "the home binding", 60)


def has_home_binding(octets):
    """A Binding Update with the home address as care-of address of an option."""
    address = socket.inet_pton(socket.AF_INET6, HOME_ADDRESS)
    return mip6.mh_type(octets) == mip6.BU and octets.count(address) > 1


def says_where(mac):
    """heard(...) of an advertisement of the home address at this link-layer address."""
    def wanted(octets):
        packet = IPv6(octets)
        return ICMPv6ND_NA in packet and packet[ICMPv6ND_NA].tgt == HOME_ADDRESS and packet.lastlayer().lladdr == mac
    return wanted


def test_mobile_node_defends_itself(both, lab, control):
    """Topology a, dmm-mn: it answers for its address itself as soon as it is told to; away it does no
    longer; without the other link it is at home alone."""
    here = both('at_home = "defends-itself";')
    here.wait_for_paths(wlan0=(True, 0), lte0=(False, 0))
    wait_for(lambda: here.neighbour() == "mn", "the node to answer for its address", 60)
    here.answers(lab.host)
    assert here.exchanged(9001) == ({"wlan0"}, {"wlan0"})
    assert here.exchanged(9000) == ({"lte0"}, {"lte0"})
    lab.plug(None)
    wait_for(lambda: here.at_home() == {2: False}, "the home binding to end", 60)
    wait_for(lambda: here.neighbour() == "gw", "the gateway to answer for the address", 60)
    # Back, it says nothing of its address there while the home agent does not answer (5.6.3).
    asked, link = Ear(lab.core, "arb"), Ear(lab.host, "eth0")
    control.process.send(signal.SIGSTOP)
    try:
        lab.plug("home")
        wait_for(lambda: len(asked.heard(has_home_binding)) > 1, "two Binding Updates with the home link", 60)
        assert here.neighbour() == "gw"
        assert link.heard(says_where(lab.mn.mac("wlan0"))) == []
    finally:
        control.process.send(signal.SIGCONT)
    here.wait_for_paths(wlan0=(True, 0), lte0=(False, 0))
    link.wait(says_where(lab.mn.mac("wlan0")), "the node to say that it is there")
    asked.close()
    link.close()
    lab.plug(None, "mn-lte")
    wait_for(lambda: here.node.status()["state"] == "home", "the node to be at home alone", 60)
    assert here.at_home() == {}
    here.answers()


@pytest.mark.parametrize("text, counter", [("", "bid_at_home"), (
    'at_home = "is-defended"; bulk = false;', "ba_refused_168")])
def test_mobile_node_is_refused(both, control, text, counter):
    """Status 169, or it may not name the home link in each Binding Update: the home link, which it
    prefers, is then used alone."""
    here = both(text)
    wait_for(lambda: control.drops()[counter], "the refusal", 60)
    wait_for(lambda: here.node.status()["state"] == "home" and here.paths() == {}, "the node to be at home alone", 60)
    wait_for(lambda: here.at_home() == {}, "the home agent to know it", 60)
    here.answers()
