"""dmm-mn as its user sees it."""

import ipaddress
import os
import re
import signal
import socket

import pytest
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6

from lab.system import wait_for
from lab.topology import CN, HOME_ADDRESS, VISITED_PREFIX
from neighbours import Neighbours
from peer import Ear


@pytest.fixture
def node(mobile_node, lab):
    """Started at home."""
    lab.plug("home")
    mobile_node.start()
    wait_for(lambda: at(mobile_node, "home"), "the node to be at home")
    return mobile_node


@pytest.fixture
def witness(lab):
    """What another host on the home link sees."""
    ear = Ear(lab.host, "eth0")
    yield ear
    ear.close()


def at(node, state):
    status = node.status()
    return status is not None and status["state"] == state


def reachable(lab):
    return "1 received" in lab.cn.run("ping", "-c", "1", "-W", "1", HOME_ADDRESS, check=False)


def bound_at(control, link):
    binding = control.binding(HOME_ADDRESS)
    return (binding is not None and binding["state"] == "active"
            and binding["care_of_address"].startswith(VISITED_PREFIX[link][:-1]))


def state_of(lab):
    """Routes, rules and firewall of the mobile node, to be found again after the program."""
    return (lab.mn.run("ip", "-6", "rule"), lab.mn.run("nft", "list", "ruleset"),
            [link["ifname"] for link in lab.mn.ip_json("link", "show")])


def test_stays_reachable_from_link_to_link(node, lab, control):
    wait_for(lambda: reachable(lab), "the home address to answer at home")
    for link in ("a", "b", "a"):
        lab.plug(link)
        wait_for(lambda: bound_at(control, link) and at(node, "registered"), f"registration from {link}")
        wait_for(lambda: reachable(lab), f"the home address to answer at {link}")
    lab.plug("home")
    wait_for(lambda: control.binding(HOME_ADDRESS) is None and at(node, "home"), "deregistration")
    wait_for(lambda: reachable(lab), "the home address to answer at home again")


def source_to(lab, address, interface="lo"):
    """The address that the node's kernel gives a connection of a program that asks for none."""
    with lab.mn.socket(socket.AF_INET6, socket.SOCK_DGRAM) as plain:
        scope = lab.mn.ip_json("link", "show", "dev", interface)[0]["ifindex"]
        plain.connect((address, 9, 0, scope if address.startswith("fe80:") else 0))
        return plain.getsockname()[0]


def test_connections_are_made_from_the_home_address(node, lab, control):
    """RFC 6275, 11.3.1: while away, but not what belongs to the link or is signalling."""
    for link in ("a", "b"):
        lab.plug(link)
        wait_for(lambda: bound_at(control, link) and at(node, "registered"), f"registration from {link}", 60)
        care_of = node.status()["care_of_address"]
        assert source_to(lab, CN) == HOME_ADDRESS
        assert source_to(lab, "fe80::1", "wlan0").startswith("fe80:")
        assert source_to(lab, VISITED_PREFIX[link] + "1") == care_of
        assert control.binding(HOME_ADDRESS)["care_of_address"] == care_of


def test_status_says_what_a_user_asks(node, lab, control):
    lab.plug("a")
    wait_for(lambda: bound_at(control, "a") and at(node, "registered"), "registration")
    status = node.status()
    assert status["home_address"] == HOME_ADDRESS
    assert status["care_of_address"] == control.binding(HOME_ADDRESS)["care_of_address"]
    lab.plug("home")
    wait_for(lambda: at(node, "home"), "the return")


def test_restores_everything_on_exit(mobile_node, lab, control):
    before = state_of(lab)
    lab.plug("a")
    mobile_node.start()
    wait_for(lambda: bound_at(control, "a"), "registration")
    assert state_of(lab) != before
    assert mobile_node.process.stop() == 0
    assert state_of(lab) == before
    wait_for(lambda: control.binding(HOME_ADDRESS) is None, "deregistration on exit")


def test_starts_again_after_a_crash(mobile_node, lab, control):
    before = state_of(lab)
    lab.plug("a")
    mobile_node.start()
    wait_for(lambda: bound_at(control, "a"), "registration")
    mobile_node.process.stop(signal.SIGKILL)
    mobile_node.start()
    wait_for(lambda: at(mobile_node, "registered") and reachable(lab), "registration after the crash")
    assert mobile_node.process.stop() == 0
    assert state_of(lab) == before


def test_registers_when_the_gateway_comes_later(mobile_node, lab, gateway, control):
    """Updates are repeated until they are answered (RFC 6275, 11.8)."""
    lab.core.ip("link set gw down")
    lab.plug("a")
    mobile_node.start()
    wait_for(lambda: (status := mobile_node.status()) and status["state"] == "registering", "an attempt")
    lab.core.ip("link set gw up", "address replace 2001:db8:1::ff/64 dev gw nodad",
                "route replace 2001:db8:100::/64 via 2001:db8:1::1")
    wait_for(lambda: bound_at(control, "a") and at(mobile_node, "registered"), "registration", 90)


def test_wrong_key(mobile_node, lab, control, counted, tmp_path):
    """The refusal is authenticated with the right key, so that a node with a wrong one cannot know
    it from a forged one: it goes on trying, less and less often (RFC 6275, 11.8)."""
    text = mobile_node.config.read_text()
    mobile_node.config = tmp_path / "wrong.cfg"
    mobile_node.config.write_text(re.sub(r'\bkey = "[0-9a-f]{32}"', f'key = "{0:032x}"', text))
    lab.plug("a")
    mobile_node.start()
    wait_for(lambda: counted("ba_refused_146") >= 2, "a second attempt")
    assert control.binding(HOME_ADDRESS) is None
    assert mobile_node.status()["state"] == "registering"


@pytest.fixture
def compatible(mobile_node, lab, subscriber, tmp_path):
    """A mobile node whose home address has the identifier of its link-local address; not started.
    Returns it and its link-local address."""
    def own():
        return next((a for a in lab.mn.addresses("wlan0") if a.startswith("fe80:")), None)
    lab.plug("a")
    wait_for(own, "a link-local address")
    link_local = own()
    home = str(ipaddress.IPv6Address("2001:db8:100::" + link_local.removeprefix("fe80::")))
    values = subscriber(home_addresses=[home])
    text = mobile_node.config.read_text()
    for key in ("mn_id", "key"):
        text = re.sub(rf'\b{key} = ".*?"', f'{key} = "{values[key]}"', text)
    text = re.sub(r'\bhome_address = ".*?"', f'home_address = "{home}"', text)
    text = re.sub(r"\bspi = \d+", f"spi = {values['spi']}", text)
    mobile_node.config = tmp_path / "compatible.cfg"
    mobile_node.config.write_text(text)
    return mobile_node, link_local


def test_link_local_address_is_held_while_away(compatible, lab, gateway, witness):
    """Flag L (RFC 6275, 10.3.1, 10.4.1 and 11.7.1). The node's interface comes up on the home link
    while the gateway still defends the link-local address; it gets it back (11.5.5)."""
    node, link_local = compatible
    node.start()
    wait_for(lambda: at(node, "registered"), "registration")
    neighbours = Neighbours(lab.host)
    assert neighbours.owner(link_local) == gateway.node.mac("home")
    neighbours.close()
    since = witness.mark()
    os.kill(node.process.pid, signal.SIGSTOP)
    # One answer of the gateway is enough, and it may come late.
    lab.mn.sysctl({"net.ipv6.conf.wlan0.dad_transmits": 50})
    try:
        lab.mn.ip("link set wlan0 down")
        lab.plug("home")
        lab.mn.ip("link set wlan0 up")
        wait_for(lambda: "dadfailed" in lab.mn.addresses("wlan0").get(link_local, set()),
                 "the kernel to find the gateway")
    finally:
        lab.mn.sysctl({"net.ipv6.conf.wlan0.dad_transmits": 1})
        os.kill(node.process.pid, signal.SIGCONT)
    wait_for(lambda: at(node, "home"), "the return")
    wait_for(lambda: lab.mn.addresses("wlan0").get(link_local) == set(), "the link-local address")

    def announced(octets):
        packet = IPv6(octets)
        return (ICMPv6ND_NA in packet and packet[ICMPv6ND_NA].tgt == link_local
                and packet[ICMPv6NDOptDstLLAddr].lladdr == lab.mn.mac("wlan0"))
    witness.wait(announced, "the advertisement of the link-local address", since)
    wait_for(lambda: "1 received" in lab.host.run("ping", "-c", "1", "-W", "1", f"{link_local}%eth0", check=False),
             "the link-local address to answer")
