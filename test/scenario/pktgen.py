"""The gateway and dmm-pktgen, with two cables between them: core and access."""

import json
import re
import struct

import mip6
from lab import programs
from lab.node import veth
from lab.system import wait_for

HOME_AGENT = "2001:db8:1::1"
GATEWAY = {"core": HOME_AGENT, "access": "2001:db8:2::1"}
GENERATOR = {"core": "2001:db8:1::ff", "access": "2001:db8:2::ff"}
CARE_OF = "2001:db8:a::/48"
EXAMPLE = programs.CONFIGS / "dmm-pktgen.cfg"


def home(node):
    return f"2001:db8:100::{0x1000 + node:x}"


def care_of(node, place=0):
    return f"2001:db8:a:{place + 1}::{0x1000 + node:x}"


def replaced(text, pattern, by):
    """The text with one place changed, which must be there."""
    text, count = re.subn(pattern, by, text, count=1, flags=re.S)
    assert count == 1, pattern
    return text


class Rig:
    """Nodes gw (dmm-ctrl and dmm-dp) and gen (nothing but the generator's interfaces)."""

    def __init__(self, lab, build):
        self.lab, self.build = lab, build
        self.gw, self.gen = lab.node("gw"), lab.node("gen")
        self.gw.sysctl({"net.ipv6.conf.all.forwarding": 1, "net.ipv6.conf.default.accept_ra": 0})
        self.gen.sysctl({"net.ipv6.conf.default.disable_ipv6": 1})
        for name in GATEWAY:
            veth(self.gw, f"v-{name}", self.gen, name)
        self.control = programs.Control(self.gw, build, self._control_config())
        self.data_plane = programs.DataPlane(
            self.gw, build, self._data_plane_config(), ports=tuple(GATEWAY),
            addresses=[*(f"address replace {GATEWAY[name]}/64 dev {name} nodad" for name in GATEWAY),
                       f"route replace default via {GENERATOR['core']} dev core",
                       f"route replace {CARE_OF} via {GENERATOR['access']} dev access"])
        self.runs = 0

    def _control_config(self):
        text = (programs.CONFIGS / "dmm-ctrl.cfg").read_text()
        text = replaced(text, r'home_agents = \[.*?\];', f'home_agents = ["{HOME_AGENT}"];')
        text = replaced(text, r'; link = "home"; }', "; }")  # no link, no detection of duplicates
        path = self.lab.directory / "ctrl.cfg"
        path.write_text(text)
        return path

    def _data_plane_config(self):
        text = (programs.CONFIGS / "dmm-dp.cfg").read_text().replace("v-home", "v-access")
        text = replaced(text, r'name = "home";', 'name = "access";')
        path = self.lab.directory / "dp.cfg"
        path.write_text(text)
        return path

    def start(self):
        self.control.start()
        self.data_plane.start()
        wait_for(self.synchronised, "the data plane to be synchronised")

    def synchronised(self):
        planes = self.control.ask("dp", "show")["data_planes"]
        return any(plane["state"] == "synced" for plane in planes)

    def config(self, **changes):
        """The example, with values of some keys changed."""
        text = EXAMPLE.read_text()
        for key, value in changes.items():
            text = replaced(text, rf"\b{key} = [^;]*;", f"{key} = {value};")
        path = self.lab.directory / "pktgen.cfg"
        path.write_text(text)
        return path

    def begin(self, command, *words, config=EXAMPLE):
        """Starts the generator; its figures will be in .json of what is returned."""
        self.runs += 1
        figures = self.lab.directory / f"figures-{self.runs}.json"
        process = self.gen.start(
            f"pktgen-{self.runs}", programs.program(self.build, "dmm-pktgen"), command, "--config", config,
            "--json", figures, *words,
            env={"XDG_RUNTIME_DIR": str(self.gen.directory), "RUNTIME_DIRECTORY": ""})
        process.json = figures
        return process

    def run(self, command, *words, config=EXAMPLE):
        """The figures of a run."""
        process = self.begin(command, *words, config=config)
        assert process.wait(120) == 0, process.output()[-3000:]
        return json.loads(process.json.read_text())

    def write(self, command, name, *words, config=EXAMPLE):
        """Runs a command that writes a file; returns its path."""
        path = self.lab.directory / name
        self.gen.run(programs.program(self.build, "dmm-pktgen"), command, "--config", config, "--output", path,
                     *words)
        return path

    def import_subscribers(self, count):
        path = self.write("subscribers", "subscribers.jsonl", "--subscribers", count)
        self.control.ctl("subscriber", "import", path)
        return [json.loads(line) for line in path.read_text().splitlines()]

    def register(self, subscribers):
        """Binding Updates of our own making, of each node from its care-of address, until all are bound."""
        head = bytes.fromhex((self.gw.mac("access") + self.gen.mac("access")).replace(":", ""))
        with self.gen.packet_socket("access") as sock:

            def all_bound():
                bound = {binding["home_address"] for binding in self.control.bindings()}
                for number, values in enumerate(subscribers):
                    if values["home_addresses"][0] not in bound:
                        sock.send(head + struct.pack("!H", 0x86DD) + mip6.binding_update(
                            values["home_addresses"][0], care_of(number), HOME_AGENT, mn_id=values["mn_id"],
                            spi=values["spi"], key=bytes.fromhex(values["key"])))
                return len(bound) == len(subscribers)

            wait_for(all_bound, "the nodes to be bound", pause=1)
