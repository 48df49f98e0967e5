"""Two customers with the same private prefix, and hosts with the same address (RFC 5845): an anchor with a port for
each customer's network, and a gateway with an access link for each."""

import itertools
import socket

import pytest
from scapy.layers.inet import GRE, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

from lab.node import veth
from lab.programs import changed_copy
from lab.proxy import ANCHOR, GATEWAY, MAC, ROUTER, AccessGateway, Anchor
from lab.system import LabError, wait_for
from peer import Ear
from proxy_rig import PATIENT, STAYING, proxy_lab
from rig import stop

HUGEPAGES = 240
PREFIX, HOST = "fd00::/64", "fd00::10"
BRANCH = "fd00:b::5"  # of a host behind the server of each
NETWORK, TWIN, SERVER = "fd00:c::/64", "fd00:c::1", "fd00:c::2"  # of both
CUSTOMERS = {"red": ("mn", "1", 7), "blue": ("mn2", "2", 9)}  # host, its link, number of the domain

DOMAINS = "domains = (\n%s\n);\n" % ",\n".join(
    f'{{ name = "{name}"; number = {number}; }}' for name, (_, _, number) in CUSTOMERS.items())


def ports(name, **domains):
    """More ports of a data plane, each of a domain."""
    return ",\n".join(f'{{ name = "{port}"; device = "net_af_packet{n},iface={port}-cable"; domain = {number}; }}'
                      for n, (port, number) in enumerate(domains.items(), 1))


@pytest.fixture(scope="module")
def lab(build, tmp_path_factory, request):
    with proxy_lab(request, tmp_path_factory) as network:
        for name, (host, link, _) in CUSTOMERS.items():
            server = network.node(name)
            veth(server, "eth0", network.lma, f"{name}-cable")
            server.ip(f"address add {SERVER}/64 dev eth0 nodad", f"route add {PREFIX} via {TWIN}")
            veth(network.mag1, f"{name}-cable", network.air, f"mag1{name}")
            network.air.ip(f"link set mag1{name} master br-{link}", f"link set mag1{name} up")
        yield network


def prepared(part, changes, port, addresses):
    """An anchor or a gateway with a port for each customer."""
    part.control.reconfigure(("data_planes = (", DOMAINS + "data_planes = ("), *changes)
    more = ports("", **{name: number for name, (_, _, number) in CUSTOMERS.items()})
    core = '"net_af_packet0,iface=v-core";\n\t}'
    plane = part.data_plane
    plane.config = changed_copy(plane.config, part.node.directory / "dp.cfg", ((core, f"{core},\n{more}"), *port))
    plane.ports = ("core", *CUSTOMERS)
    plane.addresses = (*plane.addresses[:2], *(address for name in CUSTOMERS for address in addresses(name)))
    return part


@pytest.fixture(scope="module")
def anchor(lab, build):
    nodes = "".join(f'{{ match = "host@{name}.example"; domain = "{name}"; prefixes = ["{PREFIX}"]; }},\n'
                    f'{{ match = "@{name}.example"; domain = "{name}"; pool = "{name}"; }},\n' for name in CUSTOMERS)
    pools = "".join(f'{{ name = "{name}"; domain = "{name}"; prefix = "fd01::/40"; }},\n' for name in CUSTOMERS)
    started = prepared(
        Anchor(lab, build),
        # The machine that tests run on may be slow.
        (PATIENT, ("nodes = (", f"nodes = (\n{nodes}"),
         ("pools = (", f"pools = (\n{pools}")), (),
        lambda name: (f"address replace {TWIN}/64 dev {name} nodad",))
    started.start()
    yield started
    stop(started)


@pytest.fixture(scope="module")
def gateway(lab, build, anchor):
    changes = [STAYING, ('{ port = "access"; access_technology = 4; }',
                ",\n".join(f'{{ port = "{name}"; domain = "{name}"; }}' for name in CUSTOMERS))]
    for number, name in enumerate(CUSTOMERS, 1):
        changes.append((f'mn_id = "host{number}@example.net"; ', f'mn_id = "host@{name}.example"; domain = "{name}"; '))
    access = ',\n\t{\n\t\tname = "access";\n\t\tdevice = "net_af_packet1,iface=v-access";\n\t}'
    started = prepared(AccessGateway(lab, build, "1"), changes, ((access, ""),),
                       lambda name: (f"address replace {ROUTER}/64 dev {name} nodad",))
    started.start()
    yield started
    stop(started)


def attachment(gateway, name):
    return next((a for a in gateway.attachments() if a["mn_id"] == f"host@{name}.example"), {})


def session(anchor, name):
    found, = anchor.sessions("--domain", name)
    return found


@pytest.fixture(scope="module")
def hosts(lab, anchor, gateway):
    """The hosts of both customers, attached."""
    for name, (host, link, _) in CUSTOMERS.items():
        lab.plug(link, host)
        wait_for(lambda name=name: attachment(gateway, name).get("state") == "attached", f"{name} to be attached")
        lab.node(host).ip(f"address replace {HOST}/64 dev wlan0 nodad")
        wait_for(lambda host=host: lab.node(host).ip_json("-6", "route", "show", "default"), "a router")
    return {name: lab.node(host) for name, (host, _, _) in CUSTOMERS.items()}


def say(node, source, destination, payload):
    with node.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
        sender.bind((source, 0))
        sender.sendto(payload, (destination, 9))


def reaches(node, destination, source):
    wait_for(lambda: " 1 received" in node.run("ping", "-6", "-c", "1", "-W", "1", "-I", source, destination,
                                              check=False), f"{destination} to answer")


def hear_alone(lab, hosts, name):
    """What hosts and servers of one customer say each other nobody of another hears."""
    other = next(n for n in CUSTOMERS if n != name)
    server, host = lab.node(name), hosts[name]
    ears = {where: Ear(*where) for where in ((server, "eth0"), (host, "wlan0"), (lab.node(other), "eth0"),
                                             (hosts[other], "wlan0"), (lab.cn, "eth0"))}
    try:
        for sender, source, ear, destination, payload in (
                (host, HOST, ears[server, "eth0"], SERVER, f"up {name}".encode()),
                (server, SERVER, ears[host, "wlan0"], HOST, f"down {name}".encode())):
            def came():
                say(sender, source, destination, payload)
                return ear.heard(lambda heard: heard.endswith(payload))
            wait_for(came, payload.decode(), 60, 0.2)
        for (node, _), ear in ears.items():
            if node not in (server, host):
                assert not ear.heard(lambda heard: heard.endswith(f" {name}".encode()))
    finally:
        for ear in ears.values():
            ear.close()


@pytest.mark.parametrize("name", CUSTOMERS)
def test_each_reaches_its_own(lab, anchor, gateway, hosts, name):
    reaches(hosts[name], SERVER, HOST)
    reaches(lab.node(name), HOST, SERVER)
    hear_alone(lab, hosts, name)


@pytest.fixture
def branches(lab, anchor):
    """A host of each customer behind its server, at the same address, by routes in the customers' own tables."""
    made = {}
    for name, (_, _, number) in CUSTOMERS.items():
        server, made[name] = lab.node(name), lab.node(f"branch-{name}")
        veth(server, "eth1", made[name], "eth0")
        server.sysctl({"net.ipv6.conf.all.forwarding": 1})
        server.ip("address add fd00:b::1/64 dev eth1 nodad")
        made[name].ip(f"address add {BRANCH}/64 dev eth0 nodad", "route add default via fd00:b::1")
        lab.lma.ip(f"route add fd00:b::/64 via {SERVER} dev {name} table {number}")
    return made


def test_a_host_behind_a_route_of_each(lab, anchor, hosts, branches):
    for name, branch in branches.items():
        reaches(hosts[name], BRANCH, HOST)
        reaches(branch, HOST, BRANCH)
    ears = {name: Ear(branch, "eth0") for name, branch in branches.items()}

    def came(name, payload):
        return ears[name].heard(lambda heard: heard.endswith(payload))

    for name in CUSTOMERS:
        say(hosts[name], HOST, BRANCH, f"of {name}".encode())
        wait_for(lambda name=name: came(name, f"of {name}".encode()), f"the packet of {name}")
    # The one is gone, the other is not.
    lab.lma.ip(f"route delete fd00:b::/64 table {CUSTOMERS['red'][2]}")
    rounds = itertools.count()

    def only_blue():
        payload = b"round %d" % next(rounds)
        for name in CUSTOMERS:
            say(hosts[name], HOST, BRANCH, payload)
        wait_for(lambda: came("blue", payload), "the packet of blue")
        return not came("red", payload)
    before = anchor.control.drops()["icmp6_errors"]
    wait_for(lambda: only_blue() and anchor.control.drops()["icmp6_errors"] > before,
             "the route of red to be gone, and its host to be told", 60)
    for name, other in ("red", "blue"), ("blue", "red"):
        assert came(name, f"of {name}".encode()) and not came(name, f"of {other}".encode())
        ears[name].close()


def test_what_operators_see(anchor, gateway, hosts):
    for name, (_, _, _) in CUSTOMERS.items():
        one = session(anchor, name)
        assert (one["prefixes"], one["domain"], one["encapsulation"]) == ([PREFIX], name, "gre")
        assert attachment(gateway, name)["domain"] == name
        assert attachment(gateway, name)["uplink_key"] == one["uplink_key"]
        assert [s["session"] for s in anchor.sessions("--address", HOST, "--domain", name)] == [one["session"]]
    pools = {pool["pool"]: pool for pool in anchor.control.ask("prefix", "show")["pools"]}
    assert [pools[name]["domain"] for name in ("red", "blue", "hosts")] == ["red", "blue", None]
    assert anchor.sessions("--address", HOST, "--domain", "public") == []
    with pytest.raises(LabError, match="several domains"):
        anchor.sessions("--address", HOST)
    with pytest.raises(LabError, match="no domain 'green'"):
        anchor.sessions("--domain", "green")


def test_keys_say_whose_it_is(lab, anchor, gateway, hosts):
    """Another key, or none, is taken from nobody."""
    keys = {name: session(anchor, name)["uplink_key"] for name in CUSTOMERS}
    before = anchor.control.drops()
    ears = {name: Ear(lab.node(name), "eth0") for name in CUSTOMERS}
    inner = IPv6(src=HOST, dst=SERVER) / UDP(sport=9, dport=9)
    outer = IPv6(src=GATEWAY["1"], dst=ANCHOR, hlim=64)
    with lab.mag1.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        def send(packet):
            raw.sendto(bytes(packet), (ANCHOR, 0))

        def in_gre(payload, key):
            return outer.copy() / GRE(proto=0x86dd, key_present=1, key=key) / inner / Raw(payload)

        for name, key in keys.items():
            send(in_gre(f"key of {name}".encode(), key))
            ears[name].wait(lambda heard, name=name: heard.endswith(f"key of {name}".encode()), "the packet")
        send(in_gre(b"wrong", max(keys.values()) + 1))
        wait_for(lambda: anchor.control.drops()["gre_key"] == before["gre_key"] + 1, "the wrong key to be dropped")
        send(outer / GRE(proto=0x86dd) / inner / Raw(b"none"))
        wait_for(lambda: anchor.control.drops()["gre_key"] == before["gre_key"] + 2, "no key to be dropped")
        send(outer / inner / Raw(b"plain"))
        wait_for(lambda: anchor.control.drops()["tunnel_kind"] == before["tunnel_kind"] + 1, "no GRE to be dropped")
    for name, ear in ears.items():
        other = next(n for n in CUSTOMERS if n != name)
        assert not ear.heard(lambda heard: heard.endswith((b"wrong", b"none", b"plain", f"key of {other}".encode())))
        ear.close()


def test_a_host_on_the_link_of_another_customer(lab, anchor, gateway, hosts):
    """It is not served there."""
    before = gateway.control.drops()["mag_drop_other_domain"]
    lab.plug("2", "mn")
    wait_for(lambda: gateway.control.drops()["mag_drop_other_domain"] > before, "it to be noticed")
    assert attachment(gateway, "red")["port"] == "red"
    lab.plug("1", "mn")
    lab.mn.ip(f"address replace {HOST}/64 dev wlan0 nodad")
    wait_for(lambda: lab.mn.ip_json("-6", "route", "show", "default"), "a router")
    reaches(lab.mn, SERVER, HOST)


def test_restart(lab, anchor, gateway, hosts):
    """Both ends are killed, with their data planes, and have all of it again."""
    keys = {name: session(anchor, name)["uplink_key"] for name in CUSTOMERS}
    for part in (anchor, gateway):
        stop(part)
    for part in (anchor, gateway):
        part.start()
    assert {name: session(anchor, name)["uplink_key"] for name in CUSTOMERS} == keys
    for name in CUSTOMERS:
        reaches(lab.node(name), HOST, SERVER)
        hear_alone(lab, hosts, name)
    assert MAC[1] == attachment(gateway, "red")["link_address"]


def test_an_operator_says_of_which(lab, anchor, gateway, hosts):
    """What an address of several is revoked of."""
    with pytest.raises(LabError, match="several domains"):
        anchor.control.ctl("binding", "revoke", HOST)
    with pytest.raises(LabError, match="no binding and of no session"):
        anchor.control.ctl("binding", "revoke", "--domain", "public", HOST)

    def revoked():
        """Again where a slow machine answers too late: an anchor waits three seconds for it."""
        told = anchor.control.ask("binding", "revoke", "--domain", "red", HOST)
        if told["answer"] == "answered":
            return told
        lab.plug(None, "mn")
        gateway.control.ctl("mag", "detach", "host@red.example", check=False)
        wait_for(lambda: not attachment(gateway, "red"), "the host of red to be gone")
        lab.plug("1", "mn")
        wait_for(lambda: attachment(gateway, "red").get("state") == "attached", "red to be attached")

    assert wait_for(revoked, "an answer in time")["answer_status"] == 0
    assert (anchor.sessions("--address", HOST, "--domain", "red"), session(anchor, "blue")["state"]) == ([], "live")
    reaches(hosts["blue"], SERVER, HOST)
