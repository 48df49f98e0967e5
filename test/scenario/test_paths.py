"""A mobile access gateway with two links to its anchor (RFC 8278), and a host that knows nothing of
it."""

import ipaddress
import socket

import pytest

from lab import ledger
from lab.proxy import ANCHOR, MN_ID, global_address
from lab.proxy_paths import (BID, CABLES, LABEL, LTE, WLAN, PathsGateway, PathsLab, make_anchor)
from lab.system import wait_for
from lab.topology import CN
from peer import Ear

BOTH = {BID[LTE], BID[WLAN]}
WEB = 80


@pytest.fixture(scope="module")
def lab(build, tmp_path_factory, request):
    directory = tmp_path_factory.mktemp(request.module.__name__)
    with PathsLab("test", directory) as network:
        ledger.reserve_hugepages(network.ledger, 160)
        network.build()
        yield network


def stop(part):
    for process in (part.data_plane.process, part.control.process):
        if process.running():
            status = process.stop()
            assert status == 0, f"{process.name} ended with {status}:\n{process.output()[-3000:]}"


@pytest.fixture(scope="module")
def anchor(lab, build):
    started = make_anchor(lab, build, ('timestamp_window = "300ms"', 'timestamp_window = "30s"'))
    started.start()
    yield started
    stop(started)


@pytest.fixture(scope="module")
def gateway(lab, build, anchor):
    started = PathsGateway(lab, build)
    started.start()
    yield started
    stop(started)


@pytest.fixture(scope="module")
def cables(lab, gateway):
    """What core hears on each cable of the gateway."""
    ears = {care_of: Ear(lab.core, cable) for care_of, cable in CABLES.items()}
    yield ears
    for ear in ears.values():
        ear.close()


@pytest.fixture(scope="module")
def address(lab, anchor, gateway):
    """The host is attached, by both links; its address."""
    lab.plug("1")
    wait_for(lambda: bids(anchor) == BOTH, "both bindings")
    return wait_for(lambda: global_address(lab.mn), "the host to have an address")


def bids(anchor):
    sessions = anchor.sessions("--mn-id", MN_ID[1])
    return {path["bid"] for session in sessions for path in session["paths"]}


def heard_from_tunnel(ear, marks, payload, care_of):
    outer = ipaddress.ip_address(care_of).packed
    return [heard for heard in ear.heard(lambda heard: heard[6] == 41 and heard.endswith(payload),
                                         marks[care_of]) if heard[8:24] == outer]


def ways_up(lab, cables, address, ports):
    """The host sends a packet to each port of the correspondent; by which links they went."""
    marks = {care_of: ear.mark() for care_of, ear in cables.items()}
    with lab.mn.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
        sender.bind((address, 0))
        for port in ports:
            sender.sendto(b"up%08d" % port, (CN, port))

    def found():
        ways = {port: care_of for port in ports for care_of, ear in cables.items()
                if heard_from_tunnel(ear, marks, b"up%08d" % port, care_of)}
        return ways if len(ways) == len(ports) else None

    return wait_for(found, "the packets of the host")


def test_both_paths_are_registered(lab, anchor, gateway, address):
    session, = anchor.sessions("--mn-id", MN_ID[1])
    assert [(path["bid"], path["care_of_address"], path["label"]) for path in session["paths"]] == \
        [(BID[a], a, LABEL[a]) for a in (LTE, WLAN)]
    wait_for(lambda: len(gateway.attachment(1)["paths"]) == 2, "both paths at the gateway")
    assert ipaddress.ip_address(address) in ipaddress.ip_network(session["prefixes"][0])


def test_flows_go_up_by_both(lab, cables, address):
    ports = range(2000, 2040)
    ways = ways_up(lab, cables, address, ports)
    assert set(ways.values()) == {LTE, WLAN}


def test_rules_choose_by_label(lab, cables, address):
    assert ways_up(lab, cables, address, [WEB]) == {WEB: WLAN}


def test_the_host_is_reached_by_both(lab, address):
    """Down by flow, up by flow, each as it may."""
    answered = 0
    for size in range(100, 108):
        wait_for(lambda: " 1 received" in lab.cn.run("ping", "-6", "-c", "1", "-W", "1", "-s", str(size),
                                                    address, check=False), "an answer of the host")
        answered += 1
    assert answered == 8
    received = lab.cn.run("ping", "-6", "-c", "1", "-W", "1", ANCHOR, check=False)
    assert received


def test_gateway_restarts(lab, anchor, gateway, cables, address):
    gateway.control.process.stop(9)
    gateway.control.start()
    wait_for(gateway.synchronised, "the data plane to be synchronised")
    assert set(ways_up(lab, cables, address, range(3000, 3040)).values()) == {LTE, WLAN}
    wait_for(lambda: gateway.attachment(1)["sequence"] == anchor.sessions("--mn-id", MN_ID[1])[0]
             ["sequence"], "the registration to be extended")
    assert bids(anchor) == BOTH


def test_the_end_is_that_of_both(anchor, gateway, address):
    gateway.control.ctl("mag", "detach", MN_ID[1])
    wait_for(lambda: anchor.sessions("--mn-id", MN_ID[1])[0]["state"] == "ending", "the end")
    assert bids(anchor) == set()
