"""The gateway on the home link: it stands in for absent nodes, and stops when they are back
(RFC 6275, 10.3.1 and 10.4.1)."""

import pytest
from scapy.layers.inet6 import (ICMPv6DestUnreach, ICMPv6EchoRequest, ICMPv6ND_NA,
                                ICMPv6NDOptDstLLAddr, IPv6)

from lab.system import wait_for
from lab.topology import HOST
from neighbours import Neighbours
from peer import inner_of


@pytest.fixture
def neighbours(lab):
    asking = Neighbours(lab.host)
    yield asking
    asking.close()


@pytest.fixture
def host(lab, neighbours):
    """The other host of the home link, with an empty neighbour cache, and what it hears."""
    lab.host.ip("neigh flush dev eth0")
    return lab.host, neighbours.ear


def advertisements(ear, address, since=0):
    def wanted(octets):
        packet = IPv6(octets)
        return ICMPv6ND_NA in packet and packet[ICMPv6ND_NA].tgt == address
    return [IPv6(octets) for octets in ear.heard(wanted, since)]


def pinged(node, address, heard):
    """What came of a ping: what heard() returns; again if it was lost while a neighbour was resolved."""
    def asked():
        node.run("ping", "-c", "1", "-W", "1", address, check=False)
        return heard()
    return wait_for(asked, f"what comes of a ping to {address}")


def test_registration_is_announced(peer, subscriber, host, gateway):
    """Unsolicited advertisements to all nodes, overriding what they knew; more than one, as such
    multicasts may be lost."""
    node, ear = host
    absent = subscriber()
    home = absent["home_addresses"][0]
    peer.attach("a")
    peer.register(absent)
    wait_for(lambda: len(advertisements(ear, home)) == 3, "the advertisements")
    for announced in advertisements(ear, home):
        assert announced.dst == "ff02::1"
        assert announced.hlim == 255
        flags = announced[ICMPv6ND_NA]
        assert (flags.R, flags.S, flags.O) == (0, 0, 1)
        assert announced[ICMPv6NDOptDstLLAddr].lladdr == gateway.node.mac("home")


def test_solicitations_are_answered_and_packets_tunnelled(peer, subscriber, host, gateway, neighbours):
    node, _ = host
    absent = subscriber()
    home = absent["home_addresses"][0]
    peer.attach("a")
    peer.register(absent)
    node.ip("neigh flush dev eth0")
    since = peer.ear.mark()
    octets, *_ = pinged(node, home, lambda: peer.ear.heard(
        lambda heard: (inner := inner_of(heard)) and ICMPv6EchoRequest in inner and inner.dst == home, since))
    assert inner_of(octets).src == HOST
    assert neighbours.owner(home) == gateway.node.mac("home")


def test_nobody_answers_after_the_return(peer, subscriber, neighbours):
    absent, other = subscriber(), subscriber()
    home = absent["home_addresses"][0]
    peer.attach("a")
    peer.register(absent)
    peer.register(other)
    peer.register(absent, lifetime=0)
    assert neighbours.unowned(home, other["home_addresses"][0])


def test_a_rival_claim_is_defended(peer, subscriber, host, lab):
    """Duplicate address detection of another host for a bound address must fail."""
    node, _ = host
    absent = subscriber()
    home = absent["home_addresses"][0]
    peer.attach("a")
    peer.register(absent)
    # One answer is enough, and it may come late.
    lab.host.sysctl({"net.ipv6.conf.eth0.accept_dad": 1, "net.ipv6.conf.eth0.dad_transmits": 50})
    try:
        node.ip(f"address add {home}/64 dev eth0")
        wait_for(lambda: "dadfailed" in node.addresses("eth0").get(home, set()), "the claim to fail")
    finally:
        node.ip(f"address del {home}/64 dev eth0")
        lab.host.sysctl({"net.ipv6.conf.eth0.accept_dad": 0, "net.ipv6.conf.eth0.dad_transmits": 1})


def link_local(home):
    """fe80:: with the interface identifier of a home address of the form PREFIX::IDENTIFIER."""
    return "fe80::" + home.rpartition("::")[2]


def test_link_local_address_is_defended_with_the_flag(peer, subscriber, host, gateway, neighbours):
    """Flag L: announced and answered like the home address; but what is sent there is refused."""
    node, ear = host
    absent, other = subscriber(), subscriber()
    home = absent["home_addresses"][0]
    peer.attach("a")
    peer.register(absent, flags="AHL")
    wait_for(lambda: advertisements(ear, link_local(home)), "the advertisement")
    announced = advertisements(ear, link_local(home))[0]
    assert announced[ICMPv6NDOptDstLLAddr].lladdr == gateway.node.mac("home")
    node.ip("neigh flush dev eth0")
    since = ear.mark()
    refused, *_ = pinged(node, link_local(home) + "%eth0", lambda: list(map(IPv6, ear.heard(
        lambda heard: ICMPv6DestUnreach in IPv6(heard)
        and IPv6(bytes(IPv6(heard)[ICMPv6DestUnreach].payload)).dst == link_local(home), since))))
    assert refused[ICMPv6DestUnreach].code == 3
    assert refused.src == next(address for address in gateway.node.addresses("home")
                               if address.startswith("fe80:"))
    assert neighbours.owner(link_local(home)) == gateway.node.mac("home")
    peer.register(other)
    peer.register(absent, lifetime=0)
    assert neighbours.unowned(link_local(home), other["home_addresses"][0])


@pytest.fixture
def patient(gateway, control):
    """patient(TIME): how long dmm-ctrl waits for other users of an address to answer, None: as usual;
    until the end of the test."""
    before = control.config

    def restart(time):
        control.process.stop()
        control.config = before
        if time:
            control.reconfigure(('dad_retrans = "1s";', f'dad_retrans = "{time}";'))
        control.start()
        wait_for(gateway.synchronised, "the data plane to be synchronised")
    yield restart
    if control.config != before:
        restart(None)


def test_link_local_address_in_use(peer, subscriber, host, patient, counted):
    """Flag L: another user of the link-local address is one too many; without L it does not matter."""
    patient("60s")
    node, _ = host
    absent = subscriber()
    taken = link_local(absent["home_addresses"][0])
    node.ip(f"address add {taken}/64 dev eth0 nodad")
    peer.attach("a")
    try:
        before = counted("dad_conflict")
        assert peer.exchange(peer.update(absent, flags="AHL")).status == 134
        assert counted("dad_conflict") == before + 1
        patient(None)
        peer.register(absent)
    finally:
        node.ip(f"address del {taken}/64 dev eth0")
