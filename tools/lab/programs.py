"""The programs of the build, started in the standard network the way an operator would."""

import datetime
import json
import os
import pathlib

from lab.examples import CONFIGS, ROOT
from lab.system import LabError, wait_for
from lab.topology import CORE_GATEWAY, HOME_AGENT, HOME_PREFIX, HOME_ROUTER

# The subscriber of the examples in configs/; made up for them, and no secret.
SUBSCRIBERS = CONFIGS / "subscribers.jsonl"

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)

RADVD_HOME_AGENT = "AdvHomeAgentFlag on;"

ANSWER_S = 30  # of dmmctl


def folders(build):
    """Where the build has programs."""
    build = pathlib.Path(build).resolve()
    return [build / folder for folder in ("ctrl", "dataplane", "tools/mn", "tools/dmmctl", "tools/mhdump",
                                          "tools/pktgen")]


def program(build, name):
    """The path of a built program."""
    for folder in folders(build):
        path = folder / name
        if path.is_file() and os.access(path, os.X_OK):
            return path
    raise LabError(f"no program {name} in {build}: build it with meson setup {build} && ninja -C {build}")


def logged(process, since, *words):
    """When a program logged its first line that has all these words, not before a time; in ns since
    1970. None: it has not."""
    for line in process.output().splitlines():
        stamp, _, rest = line.partition(" ")
        if stamp.startswith("ts=") and set(words) <= set(rest.split()):
            at = datetime.datetime.fromisoformat(stamp[3:].replace("Z", "+00:00"))
            at = (at - EPOCH) // datetime.timedelta(microseconds=1) * 1000
            if at >= since:
                return at
    return None


def changed_copy(config, to, changes):
    """Copies a configuration with changes: pairs of what is there once and what it becomes."""
    text = config.read_text()
    for old, new in changes:
        if text.count(old) != 1:
            raise LabError(f"{config} has '{old}' {text.count(old)} times")
        text = text.replace(old, new)
    to.write_text(text)
    return to


class Control:
    """dmm-ctrl, and questions to it through dmmctl."""

    def __init__(self, node, build, config=CONFIGS / "dmm-ctrl.cfg"):
        self.node, self.build, self.config = node, build, config
        self.env = {}
        self.process = None

    def reconfigure(self, *changes):
        """Uses a copy of the configuration, changed: see changed_copy()."""
        self.config = changed_copy(self.config, self.node.directory / "ctrl.cfg", changes)

    def start(self):
        self.process = self.node.start("dmm-ctrl", program(self.build, "dmm-ctrl"), "--config",
                                       self.config, env=self.env)
        wait_for(self.answers, "dmm-ctrl to answer")

    def answers(self):
        self.process.require()
        try:
            return self.ask("status")
        except LabError:
            return None

    def ctl(self, *words, **options):
        """Runs dmmctl, which waits for an answer more patiently than users do, and returns what it prints."""
        return self.node.run(program(self.build, "dmmctl"), "--timeout", ANSWER_S, *words, **options)

    def ask(self, *words):
        """The JSON document of a dmmctl command."""
        return json.loads(self.ctl("--json", *words))

    def bindings(self):
        return self.ask("binding", "show")["bindings"]

    def lasting(self):
        """By home address, what of each binding a restart must not change."""
        kept = ("mn_id", "care_of_address", "registered", "sequence", "lifetime_s", "data_plane")
        return {b["home_address"]: {key: b[key] for key in kept} for b in self.bindings()}

    def binding(self, home_address):
        return next((b for b in self.bindings() if b["home_address"] == home_address), None)

    def _whole_stats(self):
        """Those that no data plane is missing from; None: one that is there was too busy to answer."""
        stats = self.ask("stats")
        silent = {plane["name"] for plane in stats["data_planes"] if not plane["answered"]}
        if silent and any(plane["name"] in silent and plane["state"] == "synced"
                          for plane in self.ask("dp", "show")["data_planes"]):
            return None
        return stats

    def stats(self):
        """What control and the data planes count, once all have answered that are there."""
        return wait_for(self._whole_stats, "all data planes to tell what they have counted")

    def drops(self):
        """All drop and control counters as one dictionary, the data planes' added up."""
        stats = self.stats()
        counters = dict(stats["control"]["counters"])
        for plane in stats["data_planes"]:
            for part in ("counters", "drops"):
                for name, value in (plane[part] or {}).items():
                    counters[name] = counters.get(name, 0) + value
        return counters


class DataPlane:
    """dmm-dp, and the addresses and routes of its ports."""

    # What an operator does once the ports exist, as ip commands.
    ADDRESSES = (f"address replace {HOME_AGENT}/64 dev core nodad",
                 f"address replace {HOME_ROUTER}/64 dev home nodad",
                 f"route replace default via {CORE_GATEWAY} dev core")

    def __init__(self, node, build, config=CONFIGS / "dmm-dp.cfg", ports=("core", "home"),
                 addresses=ADDRESSES):
        self.node, self.build, self.config = node, build, config
        self.ports, self.addresses = ports, addresses
        self.env = {}
        self.wrapper = ()  # a command that executes the command after it
        self.process = None

    def start(self):
        # Two DPDK processes of one machine must not meet in its runtime directory.
        self.process = self.node.start(
            "dmm-dp", *self.wrapper, program(self.build, "dmm-dp"), "--config", self.config,
            env={"XDG_RUNTIME_DIR": str(self.node.directory), "RUNTIME_DIRECTORY": ""} | self.env)
        wait_for(lambda: self.process.require() or all(map(self.node.has_link, self.ports)),
                 "the twins of the data plane's ports")
        self.configure()

    def configure(self):
        self.node.ip(*(f"link set {port} up" for port in self.ports), *self.addresses)


class Pair:
    """A dmm-ctrl, `control`, and the dmm-dp beside it, `data_plane`, which who derives from this makes."""

    def start(self):
        self.control.start()
        self.data_plane.start()
        wait_for(self.synchronised, "the data plane to be synchronised")

    def require(self):
        """Raises, with the end of its log, if one of the two has ended."""
        self.control.process.require()
        self.data_plane.process.require()

    def synchronised(self, plane_runs=True):
        """Whether a data plane has everything; plane_runs: it is an error if ours has ended."""
        self.control.process.require()
        if plane_runs:
            self.data_plane.process.require()
        return any(plane["state"] == "synced" for plane in self.control.ask("dp", "show")["data_planes"])


class Gateway(Pair):
    """Both planes in one node, router advertisements on the home link, and the subscriber."""

    def __init__(self, lab, build):
        self.lab, self.node = lab, lab.node("gw")
        self.control = Control(self.node, build)
        self.data_plane = DataPlane(self.node, build)

    def start(self):
        super().start()
        self.lab.advertise(self.node, "home", HOME_PREFIX.removesuffix("/64"), RADVD_HOME_AGENT)

    def import_subscribers(self, file=SUBSCRIBERS):
        return self.control.ctl("subscriber", "import", file)


class MobileNode:
    """dmm-mn."""

    def __init__(self, node, build, config=CONFIGS / "dmm-mn.cfg"):
        self.node, self.build, self.config = node, build, config
        self.process = None

    def reconfigure(self, *changes):
        """Uses a copy of the configuration, changed: see changed_copy()."""
        self.config = changed_copy(self.config, self.node.directory / "mn.cfg", changes)

    def start(self):
        self.process = self.node.start("dmm-mn", program(self.build, "dmm-mn"), "--config",
                                       self.config)
        wait_for(self.status, "dmm-mn to answer")

    def status(self):
        """Its state, or None while it does not answer."""
        self.process.require()
        try:
            return json.loads(self.node.run(program(self.build, "dmm-mn"), "--config", self.config,
                                            "--status"))
        except (LabError, ValueError):
            return None
