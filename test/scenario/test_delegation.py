"""Prefixes of networks behind nodes (RFC 7148): a router that knows nothing of it, with a host behind
it, and gateways that the tests play."""

import ipaddress
import signal
import socket

import pytest

from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

from lab.node import veth
from lab.proxy import (ANCHOR, DELEGATING, MAC, MN_ID, NETWORKS, ROUTER, AccessGateway, inside)
from lab.system import wait_for
from lab.topology import CN
from peer import Ear
from pmip6 import NOT_CHANGED, PlayedGateway
from proxy_rig import STAYING, anchor, proxy_lab, reaches  # noqa: F401
from rig import stop

BUS_NETWORK = "2001:db8:5100::/56"  # of the second node, which is always on
PLAIN = "plain@other.net"  # may have none
NOT_AUTHORIZED, IN_USE = 177, 178
HUGEPAGES = 240
ANCHOR_CHANGES = (
    ('delete_delay = "10s"', 'delete_delay = "600s"'),  # the machine that tests run on may be slow
    *DELEGATING,
    ("nodes = (", f'nodes = ( {{ match = "{MN_ID[2]}"; pool = "hosts"; '
     f'delegated_prefixes = ["{BUS_NETWORK}"]; }}, {{ match = "@other.net"; pool = "hosts"; }},'))


@pytest.fixture(scope="module")
def lab(build, tmp_path_factory, request):
    with proxy_lab(request, tmp_path_factory) as network:
        network.core.ip(f"route add {BUS_NETWORK} via {ANCHOR}")
        veth(network.mn, "lan", network.node("lfn"), "eth0")
        # A router takes advertisements only if it is told to.
        network.mn.sysctl({"net.ipv6.conf.wlan0.accept_ra": 2, "net.ipv6.conf.all.forwarding": 1})
        yield network


@pytest.fixture(scope="module")
def gateways(lab, build, anchor):
    """The second tunnels in GRE, with keys; at the first, the second node is always on."""
    started = {link: AccessGateway(lab, build, link) for link in "12"}
    for link, gateway in started.items():
        gateway.control.reconfigure(
            STAYING, (f'link_address = "{MAC[1]}";', f'link_address = "{MAC[1]}"; delegation = true;'),
            ("mag = {", f'mag = {{\n\tgre = "{"keys" if link == "2" else "required"}";'))
        if link == "1":
            gateway.control.reconfigure(
                (f'link_address = "{MAC[2]}";', f'link_address = "{MAC[2]}"; always_on = "access"; '
                 f'delegated_prefixes = ["{BUS_NETWORK}"];'))
        gateway.start()
    yield started
    for gateway in started.values():
        stop(gateway)


@pytest.fixture(scope="module")
def played(lab, anchor):
    """Gateway 3, which the tests play."""
    gateway = PlayedGateway(lab, "3")
    yield gateway
    gateway.close()


def restart(part):
    part.control.process.stop(signal.SIGKILL)
    part.control.start()
    wait_for(part.synchronised, "the data plane to be synchronised")


def dropped(part, reason, send):
    """What is sent, perhaps not the first of it, is dropped for this reason."""
    before = part.control.drops()[reason]

    def counted():
        send()
        return part.control.drops()[reason] > before
    wait_for(counted, "the drop to be counted", pause=0.2)


def test_host_behind_a_router_moves_with_it(lab, anchor, gateways, played):
    """It reaches and is reached by the delegated prefix, at one gateway and the next, and the restart
    of all that serves it is not noticed."""
    lfn, mn = lab.node("lfn"), lab.mn

    def attached(link):
        found = gateways[link].attachment(1) or {}
        return found.get("state") == "attached" and found

    lab.plug("1")
    network, = wait_for(lambda: attached("1"), "the router to be attached")["delegated_prefixes"]
    assert ipaddress.ip_network(network).subnet_of(ipaddress.ip_network(NETWORKS))
    address, router = inside(network, 2), inside(network, 1)
    mn.ip(f"address add {router}/64 dev lan nodad")
    lfn.ip(f"address add {address}/64 dev eth0 nodad", f"route add default via {router}")
    reaches(lfn, CN, address)
    reaches(lab.cn, address)
    # Another gateway is not believed to have it.
    dropped(anchor, "wrong_care_of", lambda: played.send_inner(
        IPv6(src=address, dst=CN) / UDP(sport=9, dport=7) / Raw(b"foreign")))
    # Nor has the router the network of the node that is always on.
    wait_for(lambda: (gateways["1"].attachment(2) or {}).get("state") == "attached", "that node to be attached")
    foreign = inside(BUS_NETWORK, 2)
    lfn.ip(f"address add {foreign}/128 dev eth0 nodad")
    dropped(gateways["1"], "access_foreign",
            lambda: lfn.run("ping", "-6", "-c", "1", "-W", "1", "-I", foreign, CN, check=False))

    lab.plug("2")
    assert wait_for(lambda: attached("2"), "the router to have moved")["delegated_prefixes"] == [network]
    assert attached("2")["delegation"] == "granted" and attached("2")["encapsulation"] == "gre"
    reaches(lab.cn, address)
    reaches(lfn, CN, address)
    for part in (anchor, gateways["2"]):
        restart(part)
        reaches(lab.cn, address)
    delegations = anchor.control.ask("prefix", "show", "--delegated")["delegations"]
    delegation, = [item for item in delegations if item["mn_id"] == MN_ID[1]]
    assert (delegation["prefix"], delegation["pool"], delegation["gateway"], delegation["state"]) == \
        (network, "networks", "mag2", "live")
    session, = anchor.sessions("--address", address)
    assert session["mn_id"] == MN_ID[1] and session["delegated_prefixes"] == [network]


def test_node_that_is_always_on(lab, anchor, gateways):
    """It is registered without having been heard; and then it is reached, and not given up."""
    def attachment():
        return gateways["1"].attachment(2) or {}

    wait_for(lambda: attachment().get("state") == "attached", "the node to be attached")
    assert attachment()["delegated_prefixes"] == [BUS_NETWORK] and attachment()["delegation"] == "granted"
    address = inside(BUS_NETWORK, 1)
    lab.plug("1", "mn2")
    lab.mn2.ip(f"address add {address}/128 dev lo", f"route add default via {ROUTER} dev wlan0 metric 9")
    reaches(lab.cn, address)
    restart(gateways["1"])
    reaches(lab.mn2, CN, address)


def test_anchor_delegates_and_refuses(lab, anchor, played):
    """What is delegated outlives the anchor; 178 for what is another's or nobody's, 177 for who may
    have none."""
    network, = played.register("train@example.net", delegated=["::"]).delegated
    address, ear = inside(network, 1), Ear(lab.cn, "eth0")
    restart(anchor)
    since = played.ear.mark()
    with lab.cn.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW) as sender:
        sender.sendto(bytes(IPv6(src=CN, dst=address) / UDP(sport=7, dport=9) / Raw(b"down")), (address, 0))
    played.tunnelled(b"down", since)
    played.send_inner(IPv6(src=address, dst=CN) / UDP(sport=9, dport=7) / Raw(b"up"))
    ear.wait(lambda heard: heard.endswith(b"up"), "the packet from the network", 0)
    ear.close()

    def status(name, *prefixes):
        answer = played.exchange(played.update(name, delegated=prefixes))
        assert answer.signed(played.key, played.care_of)
        return answer.status

    for prefix in (network, BUS_NETWORK, "2001:db8:aaaa::/56"):
        assert status("taxi@example.net", prefix) == IN_USE
    free = "2001:db8:70ff:ff00::/56"
    assert played.register("taxi@example.net", delegated=[free]).delegated == [free]
    assert status(PLAIN, "::") == NOT_AUTHORIZED
    assert played.register(PLAIN).delegated == []
    # A gateway that no longer asks ends it.
    assert played.register("train@example.net", handoff=NOT_CHANGED).delegated == []
    session, = anchor.sessions("--mn-id", "train@example.net")
    assert session["delegated_prefixes"] == [] and session["state"] == "live"
