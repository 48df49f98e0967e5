"""A network for Proxy Mobile IPv6.

    cn ---- core ---- lma
            | | |
         mag1 mag2 mag3
            | | |
        links 1, 2, 3 ---- mn (its radio moves between the links)

core is a plain router: it sends what is for the nodes' prefixes to lma. The gateways have a cable to
core, "v-core", and one to their access link, "v-access"."""

import ipaddress

from lab.node import veth
from lab.programs import CONFIGS, Control, DataPlane, Pair
from lab.topology import Lab

EXAMPLES = CONFIGS / "proxy"
LINKS = ("1", "2", "3")
ANCHOR = "2001:db8:1::1"
CORE_AT_ANCHOR = "2001:db8:1::ff"
POOL = "2001:db8:4000::/40"
FIXED_PREFIX = "2001:db8:5000::/64"
NETWORKS = "2001:db8:7000::/40"  # that prefixes of networks behind nodes come from, if DELEGATING
GATEWAY = {name: f"2001:db8:a{name}::1" for name in LINKS}  # Proxy-CoA
CORE_AT_GATEWAY = {name: f"2001:db8:a{name}::ff" for name in LINKS}
SPI = {name: 1000 + int(name) for name in LINKS}
MN_ID = {1: "host1@example.net", 2: "host2@example.net"}
MAC = {1: "02:00:00:00:01:01", 2: "02:00:00:00:01:02"}  # of the nodes mn and mn2
ROUTER = "fe80::200:5eff:fe00:5213"  # link-local address of all gateways (RFC 6543)
KEY = {name: f"{int(name):032x}" for name in LINKS}  # made up, and no secrets


# Changes of an anchor's configuration: it delegates prefixes to nodes (RFC 7148).
DELEGATING = (
    ("pools = (", f'pools = ( {{ name = "networks"; prefix = "{NETWORKS}"; length = 56; }},'),
    ('{ match = "@example.net"; pool = "hosts"; }',
     '{ match = "@example.net"; pool = "hosts"; delegated_pool = "networks"; }'))


class ProxyLab(Lab):
    def build(self, tuned=True):
        """tuned: of the nodes' radios, see Lab.radio()."""
        cn, core, lma, air = (self.node(name) for name in ("cn", "core", "lma", "air"))
        air.sysctl({"net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1})
        core.sysctl({"net.ipv6.conf.all.forwarding": 1})
        veth(cn, "eth0", core, "cn")
        cn.ip("address add 2001:db8:c::2/64 dev eth0 nodad", "route add default via 2001:db8:c::1")
        core.ip("address add 2001:db8:c::1/64 dev cn nodad")
        lma.sysctl({"net.ipv6.conf.all.forwarding": 1, "net.ipv6.conf.default.accept_ra": 0})
        veth(lma, "v-core", core, "lma")
        core.ip(f"address add {CORE_AT_ANCHOR}/64 dev lma nodad",
                *(f"route add {prefix} via {ANCHOR}" for prefix in (POOL, FIXED_PREFIX, NETWORKS)))
        for link in LINKS:
            self._access(link)
        for number, name in enumerate(("mn", "mn2"), 1):
            self.radio(name, tuned=tuned)
            self.node(name).ip(f"link set wlan0 down", f"link set wlan0 address {MAC[number]}",
                               "link set wlan0 up")

    def _access(self, link):
        gateway = self.node(f"mag{link}")
        gateway.sysctl({"net.ipv6.conf.all.forwarding": 1, "net.ipv6.conf.default.accept_ra": 0})
        veth(gateway, "v-core", self.core, gateway.name)
        self.core.ip(f"address add {CORE_AT_GATEWAY[link]}/64 dev {gateway.name} nodad")
        self.air.ip(f"link add name br-{link} type bridge stp_state 0 forward_delay 0 "
                    "mcast_snooping 0", f"link set br-{link} up")
        veth(gateway, "v-access", self.air, gateway.name)
        self.air.ip(f"link set {gateway.name} master br-{link}")


def write_key(node, link):
    """The key that gateway and anchor share, in the private directory of one of them."""
    path = node.directory / "etc" / f"mag{link}.key"
    path.write_text(KEY[link] + "\n")
    path.chmod(0o600)


class Anchor(Pair):
    """dmm-ctrl and dmm-dp on lma."""

    ADDRESSES = (f"address replace {ANCHOR}/64 dev core nodad",
                 f"route replace default via {CORE_AT_ANCHOR} dev core",
                 f"route replace unreachable {POOL}", f"route replace unreachable {FIXED_PREFIX}")

    def __init__(self, lab, build, node=None):
        self.lab, self.node = lab, node or lab.node("lma")
        self.control = Control(self.node, build, EXAMPLES / "lma.cfg")
        self.data_plane = DataPlane(self.node, build, EXAMPLES / "lma-dp.cfg", ports=("core",),
                                    addresses=self.ADDRESSES)
        for link in LINKS:
            write_key(self.node, link)

    def sessions(self, *words):
        return self.control.ask("session", "show", *words)["sessions"]

    def used(self):
        """Prefixes of the pool that are in use."""
        return self.control.ask("prefix", "show")["pools"][0]["used"]


SECOND_ANCHOR = "2001:db8:2::1"
SECOND_POOL = "2001:db8:6000::/40"


class SecondAnchor(Anchor):
    """The same on a node of its own, lma2, which this makes; with another pool."""

    ADDRESSES = (f"address replace {SECOND_ANCHOR}/64 dev core nodad",
                 "route replace default via 2001:db8:2::ff dev core",
                 f"route replace unreachable {SECOND_POOL}")

    def __init__(self, lab, build):
        node = lab.node("lma2")
        node.sysctl({"net.ipv6.conf.all.forwarding": 1, "net.ipv6.conf.default.accept_ra": 0})
        veth(node, "v-core", lab.core, "lma2")
        lab.core.ip("address add 2001:db8:2::ff/64 dev lma2 nodad",
                    f"route add {SECOND_POOL} via {SECOND_ANCHOR}")
        super().__init__(lab, build, node)
        self.control.reconfigure((ANCHOR, SECOND_ANCHOR), (POOL, SECOND_POOL),
                                 ('timestamp_window = "300ms"', 'timestamp_window = "30s"'))


class AccessGateway(Pair):
    """dmm-ctrl and dmm-dp on magN."""

    def __init__(self, lab, build, link):
        self.lab, self.link, self.node = lab, link, lab.node(f"mag{link}")
        self.control = Control(self.node, build, EXAMPLES / "mag.cfg")
        if link != "1":
            self.control.reconfigure((GATEWAY["1"], GATEWAY[link]), ("mag1.key", f"mag{link}.key"),
                                     ("spi = 1001", f"spi = {SPI[link]}"))
        addresses = (f"address replace {GATEWAY[link]}/64 dev core nodad",
                     f"route replace default via {CORE_AT_GATEWAY[link]} dev core",
                     f"address replace {ROUTER}/64 dev access nodad")
        self.data_plane = DataPlane(self.node, build, EXAMPLES / "mag-dp.cfg",
                                    ports=("core", "access"), addresses=addresses)
        write_key(self.node, link)

    def attachments(self):
        return self.control.ask("mag", "show")["attachments"]

    def attachment(self, number):
        """The attachment of node mn (1) or mn2 (2), or None."""
        return next((a for a in self.attachments() if a["mn_id"] == MN_ID[number]), None)


def global_address(node):
    """The address that a node made of a prefix of the pool, or None."""
    return next((address for address, flags in node.addresses("wlan0").items()
                 if address.startswith("2001:db8:40") and "tentative" not in flags), None)


def inside(network, number):
    """An address on a link of a delegated prefix."""
    return str(ipaddress.ip_network(network)[(7 << 64) + number])


def is_downlink(packet, address):
    """Whether a packet (see lab.packets) is for this address of a node, in a tunnel of the anchor."""
    return packet.kind == "tunnel" and packet.source == ANCHOR and packet.inner == address
