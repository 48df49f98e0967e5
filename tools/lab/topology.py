"""The standard network.

    cn ---- core ---- gw ---- home link ---- host
             | |                  |
            ara arb               mn (its radio moves between the links)
             | |
        link A link B

core is a plain router: it sends the home prefix to the gateway. ara and arb are access routers of
visited networks. The links are bridges in a namespace of their own, as switches and radios are:
the mobile node moves when its end of wlan0 is unplugged from one bridge and plugged into another,
which it notices as loss and return of carrier."""

import atexit
import os
import pathlib
import signal
import sys

from lab import ledger
from lab.node import Node, veth

LINKS = ("home", "a", "b")
ACCESS_ROUTERS = {"a": "ara", "b": "arb"}

CN = "2001:db8:c::2"
CORE_GATEWAY = "2001:db8:1::ff"
HOME_AGENT = "2001:db8:1::1"
HOME_ROUTER = "2001:db8:100::1"
HOME_PREFIX = "2001:db8:100::/64"
HOME_ADDRESS = "2001:db8:100::10"
HOST = "2001:db8:100::20"
VISITED_PREFIX = {"a": "2001:db8:a::", "b": "2001:db8:b::"}

RADVD = """interface {interface} {{
	AdvSendAdvert on;
	AdvIntervalOpt on;
	MinRtrAdvInterval 0.03;
	MaxRtrAdvInterval 0.07;
	MinDelayBetweenRAs 0.03;
	AdvDefaultLifetime 30;
	{options}
	prefix {prefix}/64 {{
		AdvOnLink on;
		AdvAutonomous on;
		AdvValidLifetime 120;
		AdvPreferredLifetime 60;
	}};
}};
"""


class Lab:
    """One network. Use as a context manager: everything is gone after it, whatever happens.

    label      kind of run; leftovers of dead runs with the same label are removed first
    directory  where logs, captures and private directories of the nodes go"""

    def __init__(self, label, directory):
        ledger.remove_leftovers(label)
        self.prefix = f"{label}-{os.getpid()}"
        while (ledger.DIRECTORY / self.prefix).exists():  # a second one of this program
            self.prefix += "x"
        self.directory = pathlib.Path(directory).resolve()
        self.ledger = ledger.Ledger(self.prefix)
        self.ledger.begin()
        self.nodes = {}
        self.keep = False
        self.place = None
        atexit.register(self.close)
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, lambda *_: sys.exit(1))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends and removes everything, unless it is to be kept."""
        atexit.unregister(self.close)
        if self.keep:
            if not self.ledger.kept():
                self.ledger.note("kept")
            return
        for node in reversed(list(self.nodes.values())):
            node.close()
        self.nodes.clear()
        self.ledger.remove()

    def node(self, name):
        if name not in self.nodes:
            self.nodes[name] = Node(self, name)
        return self.nodes[name]

    def __getattr__(self, name):
        try:
            return self.__dict__["nodes"][name]
        except KeyError:
            raise AttributeError(f"no node {name}") from None

    def build(self):
        """Makes all nodes, links, addresses and routes; no program of ours runs yet."""
        cn, core, gw, host = (self.node(name) for name in ("cn", "core", "gw", "host"))
        air = self.node("air")
        air.sysctl({"net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1})
        for link in LINKS:
            air.ip(f"link add name br-{link} type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
                   f"link set br-{link} up")

        for router in (core, *(self.node(name) for name in ACCESS_ROUTERS.values())):
            router.sysctl({"net.ipv6.conf.all.forwarding": 1})
        veth(cn, "eth0", core, "cn")
        cn.ip("address add 2001:db8:c::2/64 dev eth0 nodad",
              "route add default via 2001:db8:c::1")
        core.ip("address add 2001:db8:c::1/64 dev cn nodad")

        # The gateway's ports: bare cables; addresses go onto the twins that dmm-dp makes.
        gw.sysctl({"net.ipv6.conf.all.forwarding": 1, "net.ipv6.conf.default.accept_ra": 0})
        veth(gw, "v-core", core, "gw")
        veth(gw, "v-home", air, "gw")
        air.ip("link set gw master br-home")
        core.ip(f"address add {CORE_GATEWAY}/64 dev gw nodad",
                f"route add {HOME_PREFIX} via {HOME_AGENT}")

        host.sysctl({"net.ipv6.conf.all.accept_ra": 0, "net.ipv6.conf.default.accept_ra": 0})
        veth(host, "eth0", air, "host")
        air.ip("link set host master br-home")
        host.ip(f"address add {HOST}/64 dev eth0 nodad", f"route add default via {HOME_ROUTER}")

        for link, name in ACCESS_ROUTERS.items():
            self._visited(link, self.node(name))

        self.radio("mn")

    def radio(self, name, interface="wlan0", end=None, tuned=True):
        """A mobile node with a radio, which is plugged into no link yet. end: the name of the
        radio's other end, by which it is plugged; that of the node unless told otherwise. tuned:
        its addresses are usable at once; if not, its kernel does as it does everywhere."""
        node, end = self.node(name), end or name
        veth(node, interface, self.air, end)
        self.air.ip(f"link set {end} down")
        node.ip(f"link set {interface} down")
        # Optimistic DAD, or each move would wait a second for it.
        quick = {"optimistic_dad": 1, "use_optimistic": 1, "router_solicitation_delay": 0}
        usual = {"optimistic_dad": 0, "use_optimistic": 0, "router_solicitation_delay": 1}
        node.sysctl({f"net.ipv6.conf.{interface}.{key}": value for key, value in {
            "accept_dad": 1, "accept_ra": 1, **(quick if tuned else usual)}.items()})
        node.ip(f"link set {interface} up")

    def _visited(self, link, router):
        """An access router between core and a visited link; it announces itself every 50 ms, as
        RFC 6275, 7.5 wants it of routers that serve mobile nodes."""
        transit = f"2001:db8:{link}{link}::"
        lan = VISITED_PREFIX[link]
        veth(router, "core", self.core, router.name)
        veth(router, "lan", self.air, router.name)
        self.air.ip(f"link set {router.name} master br-{link}")
        router.ip(f"address add {transit}2/64 dev core nodad", f"address add {lan}1/64 dev lan nodad",
                  f"route add default via {transit}1")
        self.core.ip(f"address add {transit}1/64 dev {router.name} nodad",
                     f"route add {lan}/64 via {transit}2")
        self.advertise(router, "lan", lan)

    def advertise(self, router, interface, prefix, options=""):
        """Starts router advertisements for a prefix on an interface."""
        config = router.directory / f"radvd-{interface}.conf"
        config.write_text(RADVD.format(interface=interface, prefix=prefix, options=options))
        return router.start(f"radvd-{interface}", "radvd", "--nodaemon", "--logmethod", "stderr",
                            "--config", config, "--pidfile", config.with_suffix(".pid"))

    def plug(self, link, name="mn"):
        """Moves a mobile node's radio to a link: home, a, b, or None for nowhere."""
        commands = [f"link set {name} down"]
        commands += ([f"link set {name} master br-{link}", f"link set {name} up"] if link
                     else [f"link set {name} nomaster"])
        self.air.ip(*commands)
        if name == "mn":
            self.place = link
