"""A mobile access gateway with two access links, of two technologies, and a host that its operator moves
from one to the other."""

import pytest

from lab.node import veth
from lab.proxy import ANCHOR, EXAMPLES, GATEWAY, MAC, MN_ID, ROUTER, AccessGateway, global_address
from lab.system import LabError, wait_for
from lab.topology import CN
from proxy_rig import STAYING, anchor, proxy_lab, reaches  # noqa: F401
from rig import stop

HUGEPAGES = 128


@pytest.fixture(scope="module")
def lab(build, tmp_path_factory, request):
    with proxy_lab(request, tmp_path_factory) as network:
        # The gateway has link 3, too.
        veth(network.node("mag1"), "v-second", network.air, "mag1-second")
        network.air.ip("link set mag1-second master br-3")
        yield network


@pytest.fixture(scope="module")
def gateway(lab, build, anchor):
    started = AccessGateway(lab, build, "1")
    started.control.reconfigure(
        ('{ port = "access"; access_technology = 4; }',
         '{ port = "access"; access_technology = 4; }, { port = "second"; access_technology = 3; }'), STAYING)
    plane = started.data_plane
    plane.config = started.node.directory / "etc" / "two-links.cfg"
    plane.config.write_text((EXAMPLES / "mag-dp.cfg").read_text().replace(
        "ports = (", 'ports = ( { name = "second"; device = "net_af_packet2,iface=v-second"; },'))
    plane.ports = ("core", "access", "second")
    plane.addresses += (f"address replace {ROUTER}/64 dev second nodad",)
    started.start()
    yield started
    stop(started)


def test_operator_moves_a_host(lab, anchor, gateway):
    """It keeps its address and its prefix, and the anchor learns by what technology it is there."""
    lab.plug("1")
    address = wait_for(lambda: global_address(lab.mn), "the host to have an address")
    reaches(lab.cn, address)
    before, = anchor.sessions("--mn-id", MN_ID[1])
    # It says nothing between the two.
    lab.plug(None)
    assert gateway.control.ctl("mag", "move", MN_ID[1], "second") == f"moving {MN_ID[1]}\n"
    wait_for(lambda: anchor.sessions("--mn-id", MN_ID[1])[0]["access_technology"] == "IEEE 802.3",
             "the anchor to learn of it")
    lab.plug("3")
    # To the host, which has said nothing on that link but what it says there of itself.
    reaches(lab.cn, address)
    reaches(lab.mn, CN, address)
    after, = anchor.sessions("--mn-id", MN_ID[1])
    attached = gateway.attachment(1)
    assert attached["port"] == "second" and attached["state"] == "attached"
    assert after["prefixes"] == before["prefixes"] == attached["prefixes"]
    assert after["registered"] == before["registered"] and after["gateway"] == "mag1"
    assert after["link_layer_id"] == MAC[1]
    # Back: its word counts, too.
    lab.plug("1")
    wait_for(lambda: gateway.attachment(1)["port"] == "access", "the host to be seen where it is")
    wait_for(lambda: anchor.sessions("--mn-id", MN_ID[1])[0]["access_technology"] == before["access_technology"],
             "the anchor to learn of that")
    reaches(lab.cn, address)
    assert global_address(lab.mn) == address


def test_a_link_becomes_another_kind(lab, anchor, gateway):
    """Its configuration says so, while a host is there: it keeps its prefix and its session."""
    lab.plug("1")
    wait_for(lambda: (gateway.attachment(1) or {}).get("port") == "access", "the host to be attached")
    address = wait_for(lambda: global_address(lab.mn), "the host to have an address")
    before, = anchor.sessions("--mn-id", MN_ID[1])
    gateway.control.process.stop()
    gateway.control.reconfigure(('port = "access"; access_technology = 4;', 'port = "access"; access_technology = 5;'))
    gateway.control.start()
    after = wait_for(lambda: [s for s in anchor.sessions("--mn-id", MN_ID[1])
                              if s["access_technology"] == "IEEE 802.16e"], "the anchor to learn of it")
    assert [(s["prefixes"], s["registered"]) for s in after] == [(before["prefixes"], before["registered"])]
    assert len(anchor.sessions("--mn-id", MN_ID[1])) == 1
    assert global_address(lab.mn) == address
    reaches(lab.cn, address)


def test_what_cannot_be_moved(gateway):
    ctl = gateway.control.ctl
    for words, why in ((("nobody@example.net", "second"), r"failed \(1\): .*no mobile node 'nobody@example.net'"),
                       ((MN_ID[1], "core"), "port 'core' is no access link"),
                       ((MN_ID[2], "second"), f"'{MN_ID[2]}' is not attached")):
        with pytest.raises(LabError, match=why):
            ctl("mag", "move", *words)
    assert gateway.attachment(2) is None
    for words in ((), (MN_ID[1],), (MN_ID[1], "second", "third")):
        with pytest.raises(LabError, match=r"failed \(2\): .*mag move"):
            ctl("mag", "move", *words)


@pytest.mark.parametrize("role, title", [("anchor", "Anchor"), ("access_gateway", "Access gateway")])
def test_status_tells_whose_addresses_they_are(anchor, gateway, role, title):
    control = (anchor if role == "anchor" else gateway).control
    address = ANCHOR if role == "anchor" else GATEWAY["1"]
    status = control.ask("status")
    assert {key: status[key] for key in status if key.endswith("_addresses")} == {
        "home_agent_addresses": None, "anchor_addresses": None, "access_gateway_addresses": None,
        f"{role}_addresses": [address]}
    assert [f"{title}:", address] in [line.rsplit(maxsplit=1) for line in control.ctl("status").splitlines()]
