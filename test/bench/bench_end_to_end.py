"""tools/bench end-to-end: how much the gateway forwards without loss, from outside.

dmm-pktgen sends and receives on one core, dmm-dp forwards on another, with dmm-ctrl and the
bindings of all subscribers as in service. Between them is shared memory: memif, or vhost with
virtio_user at the generator. The rate without loss is searched as RFC 2544, 26.1 has it, and the
latency is that of the trial at this rate. A card and its driver are not in the figures; the copies
that memif and vhost make are."""

import argparse
import json
import os
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from lab import ledger, programs  # noqa: E402
from lab.system import LabError, wait_for  # noqa: E402
from lab.topology import Lab  # noqa: E402

HUGEPAGES = 256
PRIORITY = -10  # other work of the machine shall disturb less
HOME_AGENT, GENERATOR = "2001:db8:1::1", "2001:db8:1::ff"

# Devices of the gateway and of the generator, with the socket between them.
TRANSPORTS = {
    "memif": ("net_memif0,role=server,socket-abstract=no,socket={socket}",
              "net_memif0,role=client,socket-abstract=no,socket={socket}"),
    "vhost": ("net_vhost0,iface={socket},queues=1",
              "net_virtio_user0,path={socket},queues=1,queue_size=1024"),
}

CONTROL = """
roles = ["ha"];
store = "/var/lib/dmm/store";
log_level = "warn";
data_planes = ({{ name = "dp1"; }});
home_agents = ["{agent}"];
home_prefixes = ({{ prefix = "2001:db8:100::/64"; }});
binding = {{ max_bindings = {subscribers}; max_lifetime = "86400s"; }};
"""

DATA_PLANE = """
name = "dp1";
ports = ({{ name = "core"; device = "{device}"; }});
workers = [{core}];
busy_poll = true;
subscribers = {subscribers};
"""

GENERATOR_CONFIG = """
core = {{ device = "{device}"; address = "{generator}"; gateway = "{agent}"; }};
cores = [{core}];
home_agent = "{agent}";
subscribers = {{
	count = {subscribers};
	home_prefix = "2001:db8:100::/64";
	care_of_prefixes = ["2001:db8:a::/64"];
	key_seed = "bench";
}};
traffic = {{ correspondent = "2001:db8:c::2"; warm_up = "500ms"; settle = "200ms"; }};
search = {{
	min_rate = 10000; max_rate = {max_rate}; resolution = "{resolution}"; trial = "{trial}ms";
	loss = "{loss}"; skipped = "{skipped}"; attempts = {attempts};
}};
signalling = {{ lifetime = "86400s"; duration = "600s"; outstanding = 2000; rate = 0; }};
"""


def say(line):
    print(line, flush=True)


def machine():
    name = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo")
                 if line.startswith("model name")), "unknown")
    return {"cpu": name, "cores": os.cpu_count(), "kernel": os.uname().release}


class Bench:
    """Gateway and generator over one transport."""

    def __init__(self, lab, build, transport, options):
        self.lab, self.build, self.transport, self.options = lab, build, transport, options
        self.gw, self.gen = lab.node(f"gw-{transport}"), lab.node(f"gen-{transport}")
        self.runs = 0
        self.tsc_hz = None
        server, client = (device.format(socket=lab.directory / transport) for device in TRANSPORTS[transport])
        values = {"agent": HOME_AGENT, "generator": GENERATOR, "subscribers": options.subscribers}
        self.control = programs.Control(self.gw, build, self.write("ctrl", CONTROL.format(**values)))
        self.data_plane = programs.DataPlane(
            self.gw, build,
            self.write("dp", DATA_PLANE.format(device=server, core=options.cores[1], **values)),
            ports=("core",), addresses=(f"address replace {HOME_AGENT}/64 dev core nodad",
                                        f"route replace default via {GENERATOR} dev core"))
        self.config = self.write("pktgen", GENERATOR_CONFIG.format(
            device=client, core=options.cores[0], trial=int(options.trial * 1000), loss=options.loss,
            skipped=options.skipped, attempts=options.attempts, max_rate=options.max_rate, resolution=options.resolution, **values))

    def write(self, name, text):
        path = self.lab.directory / f"{name}-{self.transport}.cfg"
        path.write_text(text)
        return path

    def synchronised(self):
        self.control.process.require()
        self.data_plane.process.require()
        planes = self.control.ask("dp", "show")["data_planes"]
        return any(plane["state"] == "synced" for plane in planes)

    def start(self):
        self.gw.sysctl({"net.ipv6.conf.all.forwarding": 1, "net.ipv6.conf.default.accept_ra": 0})
        self.control.start()
        self.data_plane.start()
        wait_for(self.synchronised, "the data plane to be synchronised")
        path = self.lab.directory / "subscribers.jsonl"
        self.gen.run(self.program(), "subscribers", "--config", self.config, "--output", path)
        self.control.ctl("subscriber", "import", path, timeout=600)
        bound = self.generate("signalling", "--mix", "register")["result"]["bound"]
        if bound != self.options.subscribers:
            raise LabError(f"only {bound} of {self.options.subscribers} nodes could register")

    def stop(self):
        for part in (self.data_plane, self.control):
            if part.process and part.process.running():
                part.process.stop()

    def program(self):
        return programs.program(self.build, "dmm-pktgen")

    def generate(self, command, *words):
        """The figures of a run of dmm-pktgen."""
        self.runs += 1
        path = self.lab.directory / f"{self.transport}-{self.runs}.json"
        process = self.gen.start(
            f"pktgen-{self.runs}", self.program(), command, "--config", self.config, "--json", path, *words,
            env={"XDG_RUNTIME_DIR": str(self.gen.directory), "RUNTIME_DIRECTORY": ""})
        if process.wait(7200) != 0:
            raise LabError(f"dmm-pktgen {command} failed:\n{process.output()[-2000:]}")
        return json.loads(path.read_text())

    def measure(self, direction, octets):
        figures = self.generate("search", "--streams", direction, "--sizes", octets)
        best = figures["result"]
        self.tsc_hz = best["tsc_hz"] if best else self.tsc_hz
        rate = best["sent_pps"] if best else 0.0
        latency = best["streams"][direction]["latency_us"] if best else {}
        return {"transport": self.transport, "direction": direction,
                "subscribers": self.options.subscribers, "octets": octets, "no_drop_pps": rate,
                "gbit_s": rate * octets * 8 / 1e9, "limited_by": figures["limited_by"],
                "loss_accepted_percent": figures["loss_accepted_percent"],
                "trial_s": self.options.trial, "attempts": self.options.attempts,
                "latency_us": {key: latency.get(key) for key in ("p50", "p99", "p99_9", "max")}}


HEAD = f"{'transport':9} {'direction':9} {'octets':>6} {'Mpps':>8} {'Gbit/s':>8} {'p50 us':>9} {'p99 us':>9}  limited by"


def show(row):
    p50, p99 = (row["latency_us"][key] or 0 for key in ("p50", "p99"))
    say(f"{row['transport']:9} {row['direction']:9} {row['octets']:6} {row['no_drop_pps'] / 1e6:8.3f} "
        f"{row['gbit_s']:8.3f} {p50:9.1f} {p99:9.1f}  {row['limited_by']}")


def run(options, build, found):
    """The rows; completes the description of the machine."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="dmm-bench-") as directory:
        for transport in options.transports:
            with Lab("bench", directory) as lab:
                ledger.reserve_hugepages(lab.ledger, HUGEPAGES)
                bench = Bench(lab, build, transport, options)
                try:
                    bench.start()
                    for direction in ("downlink", "uplink"):
                        for octets in options.sizes:
                            rows.append(bench.measure(direction, octets))
                            show(rows[-1])
                    found["tsc_hz"] = bench.tsc_hz or found.get("tsc_hz")
                finally:
                    bench.stop()
    return rows


def numbers(text):
    return [int(word) for word in text.split(",")]


def options_of(arguments):
    parser = argparse.ArgumentParser(prog="tools/bench end-to-end", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true",
                        help="a thousand subscribers, one size, short trials")
    parser.add_argument("--subscribers", type=int, help="how many are bound (100000; quick: 1000)")
    parser.add_argument("--sizes", type=numbers, metavar="N,N,...",
                        help="octets of packets, without tunnel (64,512,1400; quick: 64)")
    parser.add_argument("--transports", type=lambda text: text.split(","), default=list(TRANSPORTS),
                        metavar="NAME,NAME", help="of memif, vhost (both)")
    parser.add_argument("--trial", type=float, metavar="SECONDS",
                        help="length of a trial (20; RFC 2544 asks for 60; quick: 0.1)")
    parser.add_argument("--attempts", type=int, metavar="N",
                        help="trials at a rate until it counts as failed (3; quick: 10): the longer "
                             "one is, the surer is it that other work interrupts it")
    parser.add_argument("--loss", type=float, metavar="PERCENT", default=0.1,
                        help="loss that still counts as none (0.1): two cores that a system shares "
                             "with other work pause for longer than any queue holds")
    parser.add_argument("--skipped", type=float, metavar="PERCENT", default=1.0,
                        help="packets that the generator may have no time for (1); the rate told is "
                             "that of packets sent")
    parser.add_argument("--resolution", type=float, metavar="PERCENT", default=1.0,
                        help="how exact, percent of the largest rate tried (1)")
    parser.add_argument("--max-rate", type=int, metavar="N", default=10000000,
                        help="largest rate tried, packets a second (10000000)")
    parser.add_argument("--cores", type=numbers, metavar="N,N",
                        default=[*sorted(os.sched_getaffinity(0)), 0][:2],
                        help="of generator and data plane (the first two)")
    parser.add_argument("--json", metavar="FILE", help="write the figures there, too")
    options = parser.parse_args(arguments)
    quick = options.quick
    options.subscribers = options.subscribers or (1000 if quick else 100000)
    options.sizes = options.sizes or ([64] if quick else [64, 512, 1400])
    options.trial = options.trial or (0.1 if quick else 20.0)
    options.attempts = options.attempts or (10 if quick else 3)
    unknown = set(options.transports) - set(TRANSPORTS)
    if unknown:
        parser.error(f"--transports: '{unknown.pop()}' is neither memif nor vhost")
    if len(options.cores) != 2:
        parser.error("--cores: two are needed")
    return options


def main():
    options = options_of(sys.argv[1:])
    if os.geteuid() != 0:
        sys.exit("tools/bench end-to-end: network namespaces need root")
    found = machine()
    say(f"{found['cpu']}, {options.subscribers} subscribers, trials of {options.trial:g} s, "
        f"{options.loss} % loss accepted")
    say(HEAD)
    os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    try:
        rows = run(options, pathlib.Path(os.environ["DMM_BUILD"]), found)
    except LabError as error:
        sys.exit(f"tools/bench end-to-end: {error}")
    if options.json:
        document = {"machine": found, "end_to_end": rows}
        pathlib.Path(options.json).write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
