"""A gateway of Proxy Mobile IPv6 with two links to the core network (RFC 8278): beside that of the
others, which is called LTE here, one that is called WLAN."""

from lab.node import veth
from lab.programs import DataPlane, changed_copy
from lab.proxy import (CORE_AT_GATEWAY, EXAMPLES, GATEWAY, ROUTER, AccessGateway, Anchor, ProxyLab)

LINK = "1"
LTE, WLAN = GATEWAY[LINK], "2001:db8:b1::1"  # Proxy-CoA of each
CORE_AT_WLAN = "2001:db8:b1::ff"
CABLES = {LTE: "mag1", WLAN: "wlan1"}  # interfaces of core
PLACE = {address: link for link, address in GATEWAY.items()} | {WLAN: LINK}  # where a Proxy-CoA leads to
BID = {LTE: 1, WLAN: 2}
LABEL = {LTE: 11, WLAN: 9}
DISTRIBUTION = """	distribution = {
		steering = "flow";
		rules = ( { protocol = 17; remote_port = "80"; labels = [9, 11]; } );
	};
"""
# Supervision that finds nothing, since tests on slow machines are not about it.
UNSUPERVISED = '	supervision = { interval = "0s"; };\n'


def supervised(interval, missed, answered):
    return (f'	supervision = {{ interval = "{interval}"; missed = {missed}; '
            f'answered = {answered}; }};\n')


class PathsLab(ProxyLab):
    def build(self, tuned=True):
        super().build(tuned)
        self.lay_wlan(self.node("mag1"), "v-wlan", self.core, CABLES[WLAN])
        self.core.ip(f"address add {CORE_AT_WLAN}/64 dev {CABLES[WLAN]} nodad")

    def lay_wlan(self, gateway, interface, core, cable):
        veth(gateway, interface, core, cable)


def make_anchor(lab, build, *changes, supervision=UNSUPERVISED, distribution=DISTRIBUTION):
    """An anchor that takes both addresses of the gateway."""
    anchor = Anchor(lab, build)
    anchor.control.reconfigure(
        (f'addresses = ["{LTE}"]', f'addresses = ["{LTE}", "{WLAN}"]'),
        ('	max_lifetime = "420s";\n', distribution + supervision + '	max_lifetime = "420s";\n'), *changes)
    return anchor


class PathsGateway(AccessGateway):
    """dmm-ctrl and dmm-dp on mag1, with both links."""

    def __init__(self, lab, build, *changes, supervision=UNSUPERVISED, distribution=DISTRIBUTION):
        super().__init__(lab, build, LINK)
        paths = ",\n".join(f'		{{ bid = {BID[a]}; address = "{a}"; label = {LABEL[a]}; }}'
                           for a in (LTE, WLAN))
        self.control.reconfigure(
            (f'	address = "{LTE}";\n',
             f'	address = "{LTE}";\n	identifier = "mag1@example.net";\n'
             f'	paths = (\n{paths}\n	);\n' + distribution + supervision), *changes)
        config = changed_copy(
            EXAMPLES / "mag-dp.cfg", self.node.directory / "dp.cfg",
            (('	{\n		name = "access";',
              '	{\n		name = "wlan";\n		device = "net_af_packet2,iface=v-wlan";\n	},\n'
              '	{\n		name = "access";'),))
        self.data_plane = DataPlane(
            self.node, build, config, ports=("core", "wlan", "access"),
            addresses=(f"address replace {LTE}/64 dev core nodad",
                       f"address replace {WLAN}/64 dev wlan nodad",
                       f"route replace default from {LTE}/128 via {CORE_AT_GATEWAY[LINK]} dev core",
                       f"route replace default from {WLAN}/128 via {CORE_AT_WLAN} dev wlan",
                       f"address replace {ROUTER}/64 dev access nodad"))
