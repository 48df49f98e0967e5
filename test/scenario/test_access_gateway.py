"""The mobile access gateway (RFC 5213, 6) with a real anchor, and hosts that know nothing of it."""

import ipaddress
import signal

import pytest

from lab import ledger
from lab.proxy import (LINKS, MAC, MN_ID, ROUTER, AccessGateway, Anchor, ProxyLab, global_address)
from lab.system import LabError, wait_for
from lab.topology import CN


@pytest.fixture(scope="module")
def lab(build, tmp_path_factory, request):
    directory = tmp_path_factory.mktemp(request.module.__name__)
    with ProxyLab("test", directory) as network:
        ledger.reserve_hugepages(network.ledger, 240)
        network.build()
        yield network


@pytest.fixture(scope="module")
def anchor(lab, build):
    started = Anchor(lab, build)
    # The machine that tests run on may be slow.
    started.control.reconfigure(('timestamp_window = "300ms"', 'timestamp_window = "30s"'))
    started.start()
    yield started
    stop(started)


@pytest.fixture(scope="module")
def gateways(lab, build, anchor):
    started = {link: AccessGateway(lab, build, link) for link in LINKS[:2]}
    for gateway in started.values():
        gateway.control.reconfigure(('probe = "3s"', 'probe = "1s"'), ("probes = 3", "probes = 2"))
        gateway.start()
    yield started
    for gateway in started.values():
        stop(gateway)


def stop(part):
    for process in (part.data_plane.process, part.control.process):
        if process.running():
            status = process.stop()
            assert status == 0, f"{process.name} ended with {status}:\n{process.output()[-3000:]}"


@pytest.fixture
def host(lab, anchor, gateways):
    """The host mn, which is nowhere at first and in the end."""
    for part in (anchor, *gateways.values()):
        part.require()
    yield lab.mn
    lab.plug(None)
    for gateway in gateways.values():
        if gateway.attachment(1):
            gateway.control.ctl("mag", "detach", MN_ID[1], check=False)


def reaches(node, destination, source=None):
    """A ping is answered, perhaps not the first: the host may just have come."""
    words = ["-I", source] if source else []
    wait_for(lambda: " 1 received" in node.run("ping", "-6", "-c", "1", "-W", "1", *words, destination,
                                              check=False), f"{destination} to answer")


def arrive(lab, gateways, link, number=1):
    """The host moves to a link and is served there; its address."""
    name = "mn" if number == 1 else "mn2"
    lab.plug(link, name)
    wait_for(lambda: (gateways[link].attachment(number) or {}).get("state") == "attached",
             "the host to be attached")
    return wait_for(lambda: global_address(lab.node(name)), "the host to have an address")


def test_host_gets_an_address_and_is_reached(lab, anchor, gateways, host):
    address = arrive(lab, gateways, "1")
    attached = gateways["1"].attachment(1)
    assert attached["state"] == "attached" and attached["link_address"] == MAC[1]
    session, = anchor.sessions("--mn-id", MN_ID[1])
    assert session["prefixes"] == attached["prefixes"]
    assert session["gateway"] == "mag1" and session["link_layer_id"] == MAC[1]
    assert session["access_technology"] == "IEEE 802.11a/b/g"
    route, = host.ip_json("-6", "route", "show", "default")
    assert route["gateway"] == ROUTER
    assert route["metrics"][0]["mtu"] == 1460 if "metrics" in route else True
    reaches(host, CN)
    reaches(lab.cn, address)


def test_move_keeps_the_address(lab, anchor, gateways, host):
    address = arrive(lab, gateways, "1")
    reaches(host, CN)
    for link, name in (("2", "mag2"), ("1", "mag1")):
        assert arrive(lab, gateways, link) == address
        wait_for(lambda: anchor.sessions("--mn-id", MN_ID[1])[0]["gateway"] == name,
                 f"the session to be at {name}")
        reaches(lab.cn, address)
        reaches(host, CN, address)


def test_operator_attaches_and_detaches(lab, anchor, gateways, host):
    gateway = gateways["1"]
    gateway.control.ctl("mag", "attach", MN_ID[1], "access")
    wait_for(lambda: gateway.attachment(1)["state"] == "attached", "the attachment")
    assert anchor.sessions("--mn-id", MN_ID[1])[0]["state"] == "live"
    assert gateway.control.ctl("mag", "detach", MN_ID[1]) == f"detached {MN_ID[1]}\n"
    wait_for(lambda: gateway.attachment(1) is None, "the anchor to answer")
    assert anchor.sessions("--mn-id", MN_ID[1])[0]["state"] == "ending"
    with pytest.raises(LabError, match="no access link"):
        gateway.control.ctl("mag", "attach", MN_ID[1], "core")
    with pytest.raises(LabError, match="no mobile node"):
        gateway.control.ctl("mag", "attach", "nobody@example.net", "access")


def test_host_that_is_gone_is_noticed(lab, anchor, gateways, host):
    arrive(lab, gateways, "1")
    lab.plug(None)
    wait_for(lambda: gateways["1"].attachment(1) is None, "the host to be given up")
    assert anchor.sessions("--mn-id", MN_ID[1])[0]["state"] == "ending"


def test_hosts_have_links_of_their_own(lab, anchor, gateways, host):
    """Neither is told of the other's prefix; what they say to each other goes by their anchor."""
    first = arrive(lab, gateways, "1")
    second = arrive(lab, gateways, "1", 2)
    for node, other in ((lab.mn, second), (lab.mn2, first)):
        routes = node.ip_json("-6", "route", "show", "dev", "wlan0")
        assert not any(ipaddress.ip_address(other) in ipaddress.ip_network(route["dst"])
                       for route in routes if route["dst"] != "default")
    reaches(lab.mn2, first)
    lab.plug(None, "mn2")
    gateways["1"].control.ctl("mag", "detach", MN_ID[2])


def test_hosts_send_from_their_own_prefix_only(lab, anchor, gateways, host):
    address = arrive(lab, gateways, "1")
    arrive(lab, gateways, "1", 2)
    control = gateways["1"].control

    def dropped(name, source):
        before = control.drops()[name]
        lab.mn2.ip(f"address add {source}/128 dev wlan0 nodad")
        lab.mn2.run("ping", "-6", "-c", "1", "-W", "1", "-I", source, CN, check=False)
        lab.mn2.ip(f"address delete {source}/128 dev wlan0")
        return control.drops()[name] > before

    assert dropped("access_foreign", address)
    lab.plug(None, "mn2")
    control.ctl("mag", "detach", MN_ID[2])


def test_gateway_restarts(lab, anchor, gateways, host):
    """A gateway whose programs are killed serves its nodes as before, with the same prefixes."""
    address = arrive(lab, gateways, "1")
    gateway = gateways["1"]
    gateway.control.process.stop(signal.SIGKILL)
    reaches(lab.cn, address)  # forwarding does not need it
    gateway.control.start()
    wait_for(gateway.synchronised, "the data plane to be synchronised")
    wait_for(lambda: gateway.attachment(1)["sequence"] == anchor.sessions("--mn-id", MN_ID[1])[0]
             ["sequence"], "the registration to be extended")
    assert global_address(host) == address
    for process in (gateway.control.process, gateway.data_plane.process):
        process.stop(signal.SIGKILL)
    gateway.start()
    reaches(lab.cn, address)
    reaches(host, CN, address)


def test_anchor_restarts(lab, anchor, gateways, host):
    address = arrive(lab, gateways, "1")
    for process in (anchor.control.process, anchor.data_plane.process):
        process.stop(signal.SIGKILL)
    anchor.start()
    reaches(lab.cn, address)
    assert arrive(lab, gateways, "2") == address
    reaches(host, CN, address)
