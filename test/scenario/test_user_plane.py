"""An anchor with two data planes on hosts of their own: gateways are told where to tunnel (RFC 7389)."""

import signal
import socket

import pytest
from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

import mip6
import pmip6
from lab.node import veth
from lab.programs import DataPlane, changed_copy
from lab.proxy import (ANCHOR, DELEGATING, EXAMPLES, MN_ID, POOL, AccessGateway, Anchor, global_address,
                       inside)
from lab.system import wait_for
from lab.topology import CN
from peer import Ear
from pmip6 import PlayedGateway
from proxy_rig import PATIENT, proxy_lab
from rig import end

HUGEPAGES = 160
USER_PLANE, MULTIPATH, MAG_ID = 59, 63, 64
DP = {"dp1": "2001:db8:1::11", "dp2": "2001:db8:2::11"}
ASKED = [(USER_PLANE, bytes(2))]
DATA_PLANES = f"""	{{ name = "dp1"; address = "{DP["dp1"]}"; serves = ["2001:db8:a1::/64", "::/0"]; }},
	{{ name = "dp2"; address = "{DP["dp2"]}"; serves = ["2001:db8:a2::/47", "::/0"]; }}
);
serving = {{ hold_down = "1s"; }};"""


@pytest.fixture(scope="module")
def lab(build, tmp_path_factory, request):
    with proxy_lab(request, tmp_path_factory) as network:
        second = network.node("lma2")
        second.sysctl({"net.ipv6.conf.all.forwarding": 1, "net.ipv6.conf.default.accept_ra": 0})
        veth(second, "v-core", network.core, "lma2")
        network.core.ip("address add 2001:db8:2::ff/64 dev lma2 nodad")
        # Both have the anchor's address; this one is on no link there.
        second.ip(f"address add {ANCHOR}/128 dev lo nodad")
        yield network


@pytest.fixture(scope="module")
def anchor(lab, build):
    """dmm-ctrl and dp1 on lma; `second` is dp2 on lma2, which talks to it by the same files."""
    started = Anchor(lab, build)
    started.control.reconfigure(
        PATIENT, *DELEGATING,
        ('	{ name = "dp1"; }\n);', DATA_PLANES))
    started.data_plane.addresses = (f"address replace {DP['dp1']}/64 dev core nodad", *Anchor.ADDRESSES)
    config = changed_copy(EXAMPLES / "lma-dp.cfg", lab.lma2.directory / "dp.cfg",
                          (('"dp1"', '"dp2"'), ("ipc:///run/dmm/update", f"ipc://{lab.lma.directory}/run/update"),
                           ("ipc:///run/dmm/packet", f"ipc://{lab.lma.directory}/run/packet")))
    started.second = DataPlane(lab.lma2, build, config, ports=("core",), addresses=(
        f"address replace {DP['dp2']}/64 dev core nodad",
        "route replace default via 2001:db8:2::ff dev core", f"route replace unreachable {POOL}"))
    started.start()
    started.second.start()
    wait_for(lambda: serving(started) == {"dp1", "dp2"}, "both data planes to serve", 60)
    yield started
    end(started.data_plane, started.second, started.control)


def serving(anchor):
    return {plane["name"] for plane in anchor.control.ask("dp", "show")["data_planes"]
            if (plane["state"], plane["serving"]) == ("synced", "up")}


@pytest.fixture(scope="module")
def gateways(lab, anchor):
    played = {link: PlayedGateway(lab, link) for link in "12"}
    yield played
    for gateway in played.values():
        gateway.close()


def told(answer):
    """The address in the option, or None."""
    data = answer.options.get(USER_PLANE)
    return data and socket.inet_ntop(socket.AF_INET6, data[2:])


def down(lab, gateway, address, payload):
    """A packet of the correspondent, which arrives at dp1; returns the source of its tunnel."""
    since = gateway.ear.mark()
    packet = bytes(IPv6(src=CN, dst=address) / UDP(sport=7, dport=9) / Raw(payload))

    def came():
        with lab.cn.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW) as sender:
            sender.sendto(packet, (address, 0))
        return gateway.ear.heard(lambda heard: heard[6] == 41 and heard.endswith(payload), since)

    # The first packets may be lost while neighbours are resolved.
    return socket.inet_ntop(socket.AF_INET6, wait_for(came, "a tunnelled packet", 60, 0.5)[0][8:24])


def host_of(answer):
    return answer.prefixes[0].replace("::/64", "::5")


@pytest.mark.parametrize("link, plane", [("1", "dp1"), ("2", "dp2")])
def test_the_nearest_serves(lab, anchor, gateways, link, plane):
    gateway, name = gateways[link], f"near{link}@example.net"
    # A data plane that was slow to answer may be back, but not yet serve.
    answer = wait_for(
        lambda: told(found := gateway.register(name, extra=ASKED, delegated=["::"])) == DP[plane] and found,
        f"{plane} to serve", 60, 0.5)
    assert answer.source == ANCHOR
    session, = anchor.sessions("--mn-id", name)
    assert (session["data_plane"], session["tunnel_address"]) == (plane, DP[plane])
    ear = Ear(lab.cn, "eth0")
    # It, and a host of a network behind it (RFC 7148).
    for address in (host_of(answer), inside(answer.delegated[0], 1)):
        assert down(lab, gateway, address, b"down to " + address.encode()) == DP[plane]
        payload = b"up from " + address.encode()
        inner = IPv6(src=address, dst=CN) / UDP(sport=9, dport=7) / Raw(payload)

        def arrived():
            gateway.send(IPv6(src=gateway.care_of, dst=DP[plane], nh=41, hlim=64) / inner)
            return ear.heard(lambda heard: heard.endswith(payload))

        wait_for(arrived, "the packet of the node", 60, 0.5)
    ear.close()


def test_who_does_not_ask_tunnels_to_the_anchor(lab, anchor, gateways):
    answer = gateways["1"].register("plain@example.net")
    assert told(answer) is None
    session, = anchor.sessions("--mn-id", "plain@example.net")
    assert (session["data_plane"], session["tunnel_address"]) == (None, ANCHOR)
    assert down(lab, gateways["1"], host_of(answer), b"plain") == ANCHOR


def is_probe(heard):
    """An echo request from the data plane that is near the second gateway."""
    return heard[6] == 58 and heard[40] == 128 and heard[8:24] == mip6.address(DP["dp2"])


def test_a_path_is_probed_by_its_data_plane(lab, anchor, gateways):
    gateway, cable = gateways["2"], Ear(lab.core, "lma2")
    binding = [(MULTIPATH, bytes([pmip6.WLAN, 9, 1, 0, 0, 0])), (MAG_ID, b"\1\0mag2@example.net")]
    answer = wait_for(
        lambda: told(found := gateway.register("paths@example.net", extra=ASKED + binding)) == DP["dp2"]
        and found, "dp2 to serve", 60, 0.5)
    assert answer.status == 0
    cable.wait(is_probe, "a probe from dp2", 0, 60)
    gateway.ear.wait(is_probe, "a probe at the gateway", 0, 60)
    # Where dp1 had to serve before, its way is probed as well, as long as that registration would last.
    path, = (path for path in anchor.control.ask("path", "show")["paths"]
             if (path["remote"], path["local"]) == (gateway.care_of, DP["dp2"]))
    assert (path["peer"], path["bid"], path["label"]) == ("mag2", 1, 9)
    cable.close()


@pytest.fixture
def real(lab, build, anchor):
    """A gateway of ours, near dp2, and its host."""
    gateway = AccessGateway(lab, build, "3")
    gateway.start()
    yield gateway
    for process in (gateway.data_plane.process, gateway.control.process):
        assert process.stop() == 0


def served_by(real, plane):
    """Whether this data plane serves the host. One that was slow to answer is passed over: the host comes anew."""
    found = real.attachment(1) or {}
    if found.get("state") == "attached" and found["tunnel_address"] != DP[plane]:
        real.control.ctl("mag", "detach", MN_ID[1])
        wait_for(lambda: real.attachment(1) is None, "the anchor to answer", 60)
        real.control.ctl("mag", "attach", MN_ID[1], "access")
        return False
    return found.get("state") == "attached"


def test_gateway_follows(lab, anchor, real):
    wait_for(lambda: serving(anchor) == {"dp1", "dp2"}, "both data planes to serve", 60)
    lab.plug("3")
    wait_for(lambda: served_by(real, "dp2"), "the host to be served by dp2", 60, 0.5)
    address = wait_for(lambda: global_address(lab.mn), "the host to have an address", 60)
    wait_for(lambda: " 1 received" in lab.cn.run("ping", "-6", "-c", "1", "-W", "1", address, check=False),
             "the host to answer", 60)
    # Its data plane is lost: it is told, asks again, and tunnels to the other.
    anchor.second.process.stop(signal.SIGKILL)
    wait_for(lambda: real.attachment(1)["tunnel_address"] == DP["dp1"], "the gateway to be told", 60)
    assert anchor.sessions("--mn-id", MN_ID[1])[0]["data_plane"] == "dp1"
    wait_for(lambda: " 1 received" in lab.cn.run("ping", "-6", "-c", "1", "-W", "1", address, check=False),
             "the host to answer", 60)


def test_sessions_of_a_lost_data_plane_move(lab, anchor, gateways):
    """Those of a gateway that has not asked since, too (RFC 7077)."""
    wait_for(lambda: anchor.sessions("--mn-id", "near2@example.net")[0]["data_plane"] == "dp1",
             "the session to move", 60)
    gateways["2"].ear.wait(lambda heard: mip6.mh_type(heard) == pmip6.NOTIFICATION, "the notification", 0, 60)
    answer = gateways["2"].register("near2@example.net", extra=ASKED, handoff=pmip6.NOT_CHANGED)
    assert told(answer) == DP["dp1"]
    assert down(lab, gateways["2"], host_of(answer), b"moved") == DP["dp1"]
