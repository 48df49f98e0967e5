"""Fixtures that tests of Proxy Mobile IPv6 have in common. A test imports those that it needs; HUGEPAGES of
its module says how many there are to be, LAB which network it is, if not the common one, ANCHOR_CHANGES what of
the anchor's configuration is different."""

import itertools
import socket

import pytest
from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

from lab.proxy import Anchor, ProxyLab
from lab.system import wait_for
from lab.topology import CN
from peer import Ear
from rig import network, stop

NUMBERS = itertools.count(1)
STAYING = ("probes = 3", "probes = 20")  # a host that is slow to answer is not given up
PATIENT = ('timestamp_window = "300ms"', 'timestamp_window = "30s"')  # the machine that tests run on may be slow


def proxy_lab(request, tmp_path_factory, kind=ProxyLab):
    return network(kind, request, tmp_path_factory, request.module.HUGEPAGES)


@pytest.fixture(scope="module")
def lab(build, tmp_path_factory, request):
    with proxy_lab(request, tmp_path_factory, getattr(request.module, "LAB", ProxyLab)) as made:
        yield made


@pytest.fixture(scope="module")
def anchor(lab, build, request):
    started = Anchor(lab, build)
    started.control.reconfigure(PATIENT, *getattr(request.module, "ANCHOR_CHANGES", ()))
    started.start()
    yield started
    stop(started)


@pytest.fixture(scope="module")
def ear(lab):
    """What comes to the correspondent."""
    heard = Ear(lab.cn, "eth0")
    yield heard
    heard.close()


@pytest.fixture
def node():
    """The identifier of a node that nobody has seen before."""
    return f"host{next(NUMBERS)}@example.net"


@pytest.fixture
def counted(anchor):
    before = anchor.control.drops()
    return lambda name: anchor.control.drops().get(name, 0) - before.get(name, 0)


def reaches(node, destination, source=None):
    """A ping is answered, perhaps not the first: the host may just have come."""
    words = ["-I", source] if source else []
    wait_for(lambda: " 1 received" in node.run("ping", "-6", "-c", "1", "-W", "1", *words, destination,
                                              check=False), f"{destination} to answer")


def host_of(answer, number=1):
    """An address in the first prefix that was assigned."""
    return answer.prefixes[0].replace("::/64", f"::{number:x}")


def downlink(lab, gateway, address, payload):
    """A packet of the correspondent; returns it as the gateway gets it, in its tunnel."""
    since = gateway.ear.mark()
    sender = lab.cn.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
    with sender:
        sender.sendto(bytes(IPv6(src=CN, dst=address) / UDP(sport=7, dport=9) / Raw(payload)),
                      (address, 0))
    return gateway.tunnelled(payload, since)


def uplink(ear, gateway, address, payload):
    """A packet of the mobile node, which must arrive at the correspondent."""
    since = ear.mark()
    gateway.send_inner(IPv6(src=address, dst=CN) / UDP(sport=9, dport=7) / Raw(payload))
    return ear.wait(lambda heard: heard.endswith(payload), "the packet of the node", since)
