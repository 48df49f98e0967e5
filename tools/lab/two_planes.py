"""The standard network with two data planes and the control plane on hosts of their own.

                 mgmt ---- ctrl (dmm-ctrl)
                 |  |
    cn ---- core-|--gw2 (dp2, near link B)
             |   gw (dp1, near link A) ---- home link
            ara, arb: as in the standard network

core sends the home prefix, and what is for the home agent address, to gw; attract() changes that,
as a routing protocol would when a gateway is lost. mgmt is a network for the channels alone."""

from lab.node import veth
from lab.programs import CONFIGS, SUBSCRIBERS, Control, DataPlane, RADVD_HOME_AGENT, program
from lab.system import wait_for
from lab.topology import HOME_AGENT, HOME_PREFIX, Lab

EXAMPLES = CONFIGS / "two-data-planes"
KEYS = "/etc/dmm"
ADDRESS = {"dp1": "2001:db8:1::11", "dp2": "2001:db8:2::11"}  # where tunnels end
ROUTER = {"dp1": HOME_AGENT, "dp2": "2001:db8:2::1"}  # next hops of core
CORE_GATEWAY_2 = "2001:db8:2::ff"
NEAREST = {"a": "dp1", "b": "dp2"}  # who serves a node on a visited link
MANAGEMENT = {"ctrl": "fd00:77::1", "gw": "fd00:77::11", "gw2": "fd00:77::12"}


class TwoPlaneLab(Lab):
    attracts = "dp1"

    def build(self):
        super().build()
        gw2, core, ctrl = self.node("gw2"), self.core, self.node("ctrl")
        gw2.sysctl({"net.ipv6.conf.all.forwarding": 1, "net.ipv6.conf.default.accept_ra": 0})
        veth(gw2, "v-core", core, "gw2")
        core.ip(f"address add {CORE_GATEWAY_2}/64 dev gw2 nodad")
        # Both gateways have the home agent address; this one is on no link there.
        gw2.ip(f"address add {HOME_AGENT}/128 dev lo nodad")

        self.air.ip("link add name br-mgmt type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
                    "link set br-mgmt up")
        for node in (ctrl, self.gw, gw2):
            node.sysctl({"net.ipv6.conf.default.accept_ra": 0})
            veth(node, "mgmt", self.air, f"m-{node.name}")
            self.air.ip(f"link set m-{node.name} master br-mgmt")
            node.ip(f"address add {MANAGEMENT[node.name]}/64 dev mgmt nodad")

    def attract(self, plane):
        """From now on core sends to this data plane's host what is for the home prefix and for the
        home agent address."""
        if plane == "dp1":  # whose next hop is the home agent address, on its link
            self.core.run("ip", "route", "delete", f"{HOME_AGENT}/128", check=False)
        else:
            self.core.ip(f"route replace {HOME_AGENT}/128 via {ROUTER[plane]}")
        self.core.ip(f"route replace {HOME_PREFIX} via {ROUTER[plane]}")
        self.attracts = plane


class TwoPlanes:
    """dmm-ctrl on ctrl, dmm-dp on gw and gw2, keys for all, and the subscriber."""

    def __init__(self, lab, build):
        self.lab, self.node, self.build = lab, lab.node("ctrl"), build
        self.control = Control(self.node, build, EXAMPLES / "dmm-ctrl.cfg")
        first = [f"address replace {ADDRESS['dp1']}/64 dev core nodad"]
        second = [f"address replace {ADDRESS['dp2']}/64 dev core nodad",
                  f"address replace {ROUTER['dp2']}/64 dev core nodad",
                  f"route replace default via {CORE_GATEWAY_2} dev core"]
        self.planes = {
            "dp1": DataPlane(lab.gw, build, EXAMPLES / "dp1.cfg",
                             addresses=[*DataPlane.ADDRESSES, *first]),
            "dp2": DataPlane(lab.gw2, build, EXAMPLES / "dp2.cfg", ports=("core",),
                             addresses=second)}
        self.data_plane = self.planes["dp1"]

    def make_keys(self):
        """Each program's key pair is made where it runs; the public parts are carried over."""
        names = {"ctrl": self.node} | {name: plane.node for name, plane in self.planes.items()}
        public = {}
        for name, node in names.items():
            node.run(program(self.build, "dmmctl"), "keygen", "--name", name, KEYS)
            public[name] = (node.directory / "etc" / f"{name}.pub").read_text()
        for name in self.planes:
            (self.node.directory / "etc" / f"{name}.pub").write_text(public[name])
            (names[name].directory / "etc" / "ctrl.pub").write_text(public["ctrl"])

    def start(self):
        self.make_keys()
        self.control.start()
        for plane in self.planes.values():
            plane.start()
        wait_for(self.synchronised, "both data planes to be synchronised")
        self.lab.advertise(self.lab.gw, "home", HOME_PREFIX.removesuffix("/64"), RADVD_HOME_AGENT)

    def require(self):
        """Raises, with the end of its log, if one of the programs has ended."""
        for program_ in (self.control, *self.planes.values()):
            program_.process.require()

    def shown(self, name):
        """What dp show says of a data plane, or None."""
        return next((plane for plane in self.control.ask("dp", "show")["data_planes"]
                     if plane["name"] == name), None)

    def synced(self, name):
        shown = self.shown(name)
        return shown is not None and shown["state"] == "synced"

    def all_show(self, **wanted):
        """Whether all programs run and dp show says these things of both data planes."""
        self.require()
        shown = self.control.ask("dp", "show")["data_planes"]
        return {plane["name"] for plane in shown
                if all(plane[key] == value for key, value in wanted.items())} == set(self.planes)

    def serving(self):
        """Whether both serve what the configuration gives them."""
        return self.all_show(state="synced", serving="up")

    def synchronised(self):
        return self.all_show(state="synced")

    def import_subscribers(self, file=SUBSCRIBERS):
        return self.control.ctl("subscriber", "import", file)
