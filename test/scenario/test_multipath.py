"""Several bindings of one session at the local mobility anchor (RFC 8278), by a gateway that the
tests play."""

import socket

import pytest
from scapy.layers.inet import TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

import mip6
import pmip6
from lab.proxy import ANCHOR, GATEWAY, KEY, SPI
from lab.system import wait_for
from lab.topology import CN
from pmip6 import PlayedGateway
from proxy_rig import anchor, ear, lab, node  # noqa: F401

MULTIPATH, MAG_ID = 63, 64
RED, BLUE = 9, 11
OTHER = "2001:db8:a1::2"  # second address of the gateway
MAG = b"\1\0mag1@example.net"
HUGEPAGES = 64
DISTRIBUTION = """distribution = {
		steering = "flow";
		weights = ( { label = 9; weight = 1; }, { label = 11; weight = 3; } );
		rules = ( { protocol = 6; remote_port = "80"; labels = [9, 11]; } );
	};
	supervision = { interval = "0s"; };
	max_lifetime = "420s";"""
ANCHOR_CHANGES = (
    ('name = "mag1"; ', 'name = "mag1"; identifier = "mag1@example.net"; '),
    ('addresses = ["2001:db8:a1::1"]', f'addresses = ["2001:db8:a1::1", "{OTHER}"]'),
    ('match = "fixed@example.net"; ', 'match = "fixed@example.net"; multipath = false; '),
    ('max_lifetime = "420s";', DISTRIBUTION))


def multipath(bid, label=RED, bits=0, access=pmip6.WLAN):
    """RFC 8278, 4.1, figure 3."""
    return bytes([access, label, bid, bits, 0, 0])


B, O = 0x80, 0x40


@pytest.fixture(scope="module")
def gateway(lab, anchor):
    played = PlayedGateway(lab, "1")
    lab.mag1.ip(f"address add {OTHER}/64 dev v-core nodad")
    yield played
    played.close()


def update(gateway, node, bid, option=None, mag_id=MAG, **changes):
    """A Proxy Binding Update for a binding: 1 from the first address, others from the second."""
    care_of = gateway.care_of if bid == 1 else OTHER
    values = {"mn_id": node, "key": gateway.key, "spi": gateway.spi, "link_id": node.encode()[:6],
              "sequence": next(gateway.sequences) & 0xFFFF}
    extra = [(MULTIPATH, option or multipath(bid, RED if bid == 1 else BLUE))]
    if mag_id:
        extra.append((MAG_ID, mag_id))
    return pmip6.update(care_of, extra=extra, **(values | changes))


def register(gateway, node, bid, **changes):
    answer = gateway.exchange(update(gateway, node, bid, **changes))
    assert answer.status == 0, f"status {answer.status}"
    return answer


def both(gateway, node):
    """A node with two bindings; an address of it."""
    first = register(gateway, node, 1)
    second = register(gateway, node, 2, prefixes=first.prefixes)
    assert second.prefixes == first.prefixes
    return first.prefixes[0].replace("::/64", "::5")


def bids(anchor, node):
    session, = anchor.sessions("--mn-id", node)
    return [(path["bid"], path["care_of_address"], path["label"]) for path in session["paths"]]


def test_two_bindings(anchor, gateway, node):
    first = register(gateway, node, 1)
    assert first.options[MULTIPATH] == multipath(1)
    assert MAG_ID not in first.kinds  # RFC 8278, 4.4
    second = register(gateway, node, 2, prefixes=first.prefixes)
    assert second.destination == OTHER and second.prefixes == first.prefixes
    assert second.signed(gateway.key, OTHER)
    assert bids(anchor, node) == [(1, gateway.care_of, RED), (2, OTHER, BLUE)]


def ways_down(lab, gateway, address, ports, make):
    """Sends a packet from each port of the correspondent; by which binding each came."""
    since, wanted = gateway.ear.mark(), {}
    with lab.cn.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW) as sender:
        for port in ports:
            payload = b"down%08d" % port
            wanted[payload] = port
            sender.sendto(bytes(IPv6(src=CN, dst=address) / make(port) / Raw(payload)), (address, 0))
    care_of = {mip6.address(gateway.care_of): 1, mip6.address(OTHER): 2}

    def found():
        heard = gateway.ear.heard(lambda heard: heard[6] == 41 and heard[-12:] in wanted, since)
        came = {wanted[octets[-12:]]: care_of[octets[24:40]] for octets in heard}
        return came if len(came) == len(wanted) else None

    return wait_for(found, "the packets to come")


def test_flows_are_shared_out(lab, anchor, gateway, node):
    address = both(gateway, node)
    ports = range(1000, 1200)
    ways = ways_down(lab, gateway, address, ports, lambda port: UDP(sport=port, dport=9))
    assert ways == ways_down(lab, gateway, address, ports, lambda port: UDP(sport=port, dport=9))
    second = sum(way == 2 for way in ways.values())
    assert 100 < second < 190  # 3 of 4, by weight


def test_shares_are_changed_live(lab, anchor, gateway, node):
    address = both(gateway, node)
    ports = range(1000, 1100)

    def by_blue():
        ways = ways_down(lab, gateway, address, ports, lambda port: UDP(sport=port, dport=9))
        return {port for port, way in ways.items() if way == 2}

    before = by_blue()
    anchor.control.ctl("path", "weight", str(BLUE), "1")
    # In the midst of packets the new weight may begin to count: not so twice.
    fewer = wait_for(lambda: (now := by_blue()) < before and now == by_blue() and now, "fewer flows", 60)
    anchor.control.ctl("path", "weight", str(RED), "0")
    wait_for(lambda: by_blue() == set(ports), "all flows to go by one", 60)
    anchor.control.ctl("path", "weight", str(RED), "1")
    wait_for(lambda: by_blue() == fewer, "the others to return", 60)
    anchor.control.ctl("path", "weight", str(BLUE), "3")
    wait_for(lambda: by_blue() == before, "the flows to go as before", 60)


def test_rules_by_label(lab, anchor, gateway, node):
    """The web by RED, else by BLUE; without RED, by BLUE."""
    address = both(gateway, node)

    def web(port):
        return TCP(sport=80, dport=port)

    assert set(ways_down(lab, gateway, address, range(1000, 1040), web).values()) == {1}
    answer = gateway.exchange(update(gateway, node, 1, lifetime=0))
    assert (answer.status, answer.lifetime) == (0, 0)
    assert bids(anchor, node) == [(2, OTHER, BLUE)]
    assert set(ways_down(lab, gateway, address, range(1000, 1040), web).values()) == {2}


def test_uplink_by_both(lab, gateway, node, ear):
    address = both(gateway, node)
    for source in (gateway.care_of, OTHER):
        payload = source.encode()
        since = ear.mark()
        gateway.send(IPv6(src=source, dst=ANCHOR, nh=41, hlim=64)
                     / IPv6(src=address, dst=CN) / UDP(sport=9, dport=7) / Raw(payload))
        ear.wait(lambda heard: heard.endswith(payload), "the packet of the node", since)


def test_bulk_and_overwrite(anchor, gateway, node):
    both(gateway, node)

    def left():
        return [path["lifetime_s"] for path in anchor.sessions("--mn-id", node)[0]["paths"]]

    register(gateway, node, 2, option=multipath(2, BLUE, B), lifetime=20, handoff=pmip6.NOT_CHANGED)
    assert left() == [80, 80]
    answer = register(gateway, node, 2, option=multipath(2, BLUE, O))
    assert answer.options[MULTIPATH] == multipath(2, BLUE, O)
    assert bids(anchor, node) == [(2, OTHER, BLUE)]
    assert register(gateway, node, 2, lifetime=0).lifetime == 0
    assert anchor.sessions("--mn-id", node)[0]["state"] == "ending"


def test_gateway_revokes_all(anchor, gateway, node):
    """RFC 5846, 8.2: what has a binding by the address that asks ends, whichever address is the first of it."""
    first = register(gateway, node, 2)
    by_first = pmip6.update(gateway.care_of, mn_id=node, key=gateway.key, spi=gateway.spi, link_id=node.encode()[:6],
                            sequence=next(gateway.sequences) & 0xFFFF, prefixes=first.prefixes,
                            extra=[(MULTIPATH, multipath(3, RED)), (MAG_ID, MAG)])
    assert gateway.exchange(by_first).status == 0
    assert bids(anchor, node) == [(2, OTHER, BLUE), (3, gateway.care_of, RED)]
    answer = gateway.revoke(pmip6.PER_PEER, 77, mn_id="mag1@example.net",
                            flags=pmip6.REVOKES_PROXY | pmip6.REVOKES_ALL)
    assert answer.what == 0
    assert [session["state"] for session in anchor.sessions("--mn-id", node)] == ["ending"]


@pytest.mark.parametrize("status, option, changes", [
    (128, multipath(0), {}),
    (128, multipath(255), {}),
    (128, multipath(1, RED, B | O), {}),
    (128, multipath(1, RED, O), {"lifetime": 0}),
    (128, multipath(1), {"mag_id": None}),
    (180, multipath(1), {"mn_id": "fixed@example.net"}),
])
def test_refusals(anchor, gateway, node, status, option, changes):
    answer = gateway.exchange(update(gateway, node, 1, option=option, **changes))
    assert answer.status == status
    assert answer.signed(gateway.key, gateway.care_of)
    assert answer.options[MULTIPATH] == option and MAG_ID not in answer.kinds


def test_no_more_than_allowed(anchor, gateway, node):
    for bid in range(1, 5):
        register(gateway, node, bid)
    assert gateway.exchange(update(gateway, node, 5)).status == 130
    assert [bid for bid, _, _ in bids(anchor, node)] == [1, 2, 3, 4]


def test_restart(lab, anchor, gateway, node):
    address = both(gateway, node)
    for process in (anchor.control.process, anchor.data_plane.process):
        process.stop(9)
    anchor.start()
    assert [bid for bid, _, _ in bids(anchor, node)] == [1, 2]
    since = gateway.ear.mark()

    def reached():
        """Neighbours are resolved while packets wait, of which there is room for few."""
        with lab.cn.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW) as sender:
            sender.sendto(bytes(IPv6(src=CN, dst=address) / UDP(dport=9) / Raw(b"first")), (address, 0))
        return gateway.ear.heard(lambda heard: heard[6] == 41 and heard.endswith(b"first"), since)

    wait_for(reached, "the first packet", pause=0.2)
    ways = ways_down(lab, gateway, address, range(1000, 1040), lambda port: UDP(sport=port, dport=9))
    assert set(ways.values()) == {1, 2}
