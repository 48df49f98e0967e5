"""tools/bench pmip: what an anchor of Proxy Mobile IPv6 takes, and what a handover costs.

Gateways that this program plays register nodes with a real anchor (dmm-ctrl and dmm-dp) over virtual
Ethernet: Proxy Binding Updates that were acknowledged a second, durable and forwarding, when nodes
are new, extended and handed over; and cycles that the anchor's graph spends on a packet, to and from
nodes with one binding and with three (RFC 8278), flow by flow and packet by packet. Then a host moves
among three real gateways, as in tools/demo pmip, and a ping tells how long each move interrupts it.

The generator is this program: where its own core is the limit, the anchor would take more. Cycles are
of whatever load the generator makes, in small bursts: they are more than under full load, where
tools/bench dataplane measures."""

import argparse
import json
import os
import pathlib
import socket
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "test/scenario")]

from scapy.layers.inet import UDP  # noqa: E402
from scapy.layers.inet6 import IPv6  # noqa: E402
from scapy.packet import Raw  # noqa: E402

import mip6  # noqa: E402
import pmip6  # noqa: E402
from lab import ledger, pmip  # noqa: E402
from lab.proxy import ANCHOR, GATEWAY, Anchor, ProxyLab  # noqa: E402
from lab.system import LabError, wait_for  # noqa: E402
from lab.topology import CN  # noqa: E402

OUTSTANDING = 256
OTHERS = ["2001:db8:a1::2", "2001:db8:a1::3"]  # further addresses of the first gateway
MULTIPATH, MAG_ID = 63, 64
FLOWS, FLOODS = 64, 5
STEERING = "flow"  # at first
# Those who play the gateways answer no probes, and need not.
DISTRIBUTION = f"""	distribution = {{ steering = "{STEERING}"; }};
	supervision = {{ interval = "0s"; }};
"""
OUTSIDE = ("rx", "tx", "down", "mirror", "punt")  # nodes that do not work on subscribers' packets


def say(line):
    print(line, flush=True)


class Rate:
    """Registrations of one kind, sent with some of them unanswered at most."""

    def __init__(self, gateway, packets):
        self.gateway, self.packets = gateway, packets
        self.sent, self.times, self.refused, self.resent = {}, [], 0, 0

    def send(self, number):
        self.sent[number] = time.perf_counter()
        self.gateway.raw.sendto(self.packets[number], (ANCHOR, 0))

    def take(self, heard):
        number = int.from_bytes(heard[48:50], "big")
        if mip6.mh_type(heard) == mip6.BA and number in self.sent:
            self.times.append(time.perf_counter() - self.sent.pop(number))
            self.refused += heard[46] != 0

    def again(self):
        """What was not answered within a second was lost."""
        late = [number for number, at in self.sent.items() if time.perf_counter() - at > 1]
        for number in late:
            self.resent += 1
            self.send(number)

    def run(self):
        ear, next_one = self.gateway.ear, 0
        at, begin = ear.mark(), time.perf_counter()
        while next_one < len(self.packets) or self.sent:
            while next_one < len(self.packets) and len(self.sent) < OUTSTANDING:
                self.send(next_one)
                next_one += 1
            with ear.changed:
                if len(ear.packets) == at:
                    ear.changed.wait(0.1)
                fresh = ear.packets[at:]
            at += len(fresh)
            for heard in fresh:
                self.take(heard)
            self.again()
            if time.perf_counter() - begin > 300:
                raise LabError(f"{len(self.sent)} of {len(self.packets)} were never answered")
        return self.figures(time.perf_counter() - begin)

    def figures(self, seconds):
        times = sorted(self.times)
        return {"updates": len(self.packets), "per_second": round(len(self.packets) / seconds),
                "p50_ms": round(1000 * times[len(times) // 2], 3),
                "p99_ms": round(1000 * times[len(times) * 99 // 100], 3),
                "refused": self.refused, "resent": self.resent}


class Bench:
    def __init__(self, lab, options, build):
        self.lab, self.options = lab, options
        self.anchor = Anchor(lab, build)
        first = ", ".join(f'"{address}"' for address in [GATEWAY["1"], *OTHERS])
        self.anchor.control.reconfigure(('timestamp_window = "300ms"', 'timestamp_window = "60s"'),
                                        (f'addresses = ["{GATEWAY["1"]}"]', f"addresses = [{first}]"),
                                        ('	max_lifetime = "420s";\n', DISTRIBUTION + '	max_lifetime = "420s";\n'))
        self.anchor.start()
        self.steering = STEERING
        self.gateways = {link: pmip6.PlayedGateway(lab, link) for link in ("1", "2")}
        lab.mag1.ip(*(f"address add {address}/64 dev v-core nodad" for address in OTHERS))

    def share(self, steering):
        """The packets of nodes with several bindings are shared out so from now on."""
        control = self.anchor.control
        control.process.stop()
        control.reconfigure((f'steering = "{self.steering}"', f'steering = "{steering}"'))
        self.steering = steering
        control.start()
        wait_for(self.anchor.synchronised, "the data plane to be synchronised")

    def rates(self):
        names = [f"bench{number}@example.net" for number in range(self.options.nodes)]
        rows = {}
        for kind, link, handoff in (("new", "1", pmip6.NEW_INTERFACE),
                                    ("extended", "1", pmip6.NOT_CHANGED),
                                    ("handed over", "2", pmip6.OTHER_GATEWAY)):
            gateway = self.gateways[link]
            packets = [gateway.update(name, sequence=number, handoff=handoff, link_id=name.encode()[:14])
                       for number, name in enumerate(names)]
            rows[kind] = row = Rate(gateway, packets).run()
            say(f"  {kind:12} {row['per_second']:8} a second   answered in {row['p50_ms']:8.2f} ms (median) "
                f"{row['p99_ms']:8.2f} ms (99 %)   refused {row['refused']}, sent again {row['resent']}")
        return rows

    def bind(self, name, paths):
        """A node with so many bindings; an address of it."""
        gateway = self.gateways["1"]
        if paths == 1:
            return gateway.register(name).prefixes[0].replace("::/64", "::5")
        prefixes = ["::"]
        for bid, care_of in enumerate([gateway.care_of, *OTHERS][:paths], 1):
            answer = gateway.exchange(pmip6.update(
                care_of, mn_id=name, key=gateway.key, spi=gateway.spi, link_id=name.encode()[:6],
                sequence=next(gateway.sequences) & 0xFFFF, prefixes=prefixes,
                extra=[(MULTIPATH, bytes([pmip6.WLAN, bid, bid, 0, 0, 0])),
                       (MAG_ID, b"\1\0mag1@example.net")]))
            if answer.status != 0:
                raise LabError(f"binding {bid} was refused with {answer.status}")
            prefixes = answer.prefixes
        return prefixes[0].replace("::/64", "::5")

    def worked(self):
        """(packets, cycles) of each node of the anchor's graph so far, without the ports and what is between
        it and its kernel; and what it has dropped."""
        plane, = self.anchor.control.ask("stats")["data_planes"]
        return ({node["name"]: (node["packets"], node["cycles"]) for node in plane["nodes"]
                 if node["name"] not in OUTSIDE}, sum(plane["drops"].values()))

    def cycles(self, sock, packets, destination):
        """Cycles a packet while these packets are sent, one after the other: the best of some floods, as
        other work of the machine only ever adds to it."""
        floods = [self.flood(sock, packets, destination) for _ in range(FLOODS)]
        return min(floods, key=lambda row: row["cycles"]) | {"dropped": sum(f["dropped"] for f in floods)}

    def flood(self, sock, packets, destination):
        before, end = self.worked(), time.perf_counter() + self.options.seconds
        while time.perf_counter() < end:
            for packet in packets:
                sock.sendto(packet, (destination, 0))
        time.sleep(0.2)
        after = self.worked()
        nodes = {name: [new - old for new, old in zip(after[0][name], before[0].get(name, (0, 0)))]
                 for name in after[0]}
        timed = max(packets for packets, _ in nodes.values())
        if not timed:
            raise LabError("no walk was timed: more seconds are needed")
        return {"cycles": round(sum(cycles for _, cycles in nodes.values()) / timed, 1),
                "timed_packets": timed, "dropped": after[1] - before[1],
                "nodes": {name: row for name, row in nodes.items() if row[0]}}

    def ways(self):
        rows = []
        for paths, steering in ((1, "flow"), (3, "flow"), (3, "packet")):
            if steering != self.steering:
                self.share(steering)
            address = self.bind(f"{steering}{paths}@example.net", paths)
            down = [bytes(IPv6(src=CN, dst=address) / UDP(sport=1000 + flow, dport=9) / Raw(bytes(18)))
                    for flow in range(FLOWS)]
            up = [bytes(IPv6(src=GATEWAY["1"], dst=ANCHOR, nh=41) / IPv6(src=address, dst=CN)
                        / UDP(sport=9, dport=1000 + flow) / Raw(bytes(18))) for flow in range(FLOWS)]
            with self.lab.cn.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW) as sender:
                row = {"paths": paths, "steering": steering, "downlink": self.cycles(sender, down, address),
                       "uplink": self.cycles(self.gateways["1"].raw, up, ANCHOR)}
            dropped = row["downlink"]["dropped"] + row["uplink"]["dropped"]
            if dropped:
                raise LabError(f"the anchor dropped {dropped} packets, which it had to forward")
            rows.append(row)
            say(f"  {paths} binding{'s' if paths > 1 else ' '}   downlink {row['downlink']['cycles']:7.1f}   "
                f"uplink {row['uplink']['cycles']:7.1f} cycles a packet"
                + (f", per {steering}" if paths > 1 else ""))
        return rows


def handovers(moves, build):
    """The figures of a demo with so many moves."""
    with tempfile.TemporaryDirectory() as directory, ProxyLab("bench", directory) as lab:
        show = pmip.Moves(lab, build, moves)
        show.play()
        result = show.as_json()
    if not result["ok"]:
        raise LabError("; ".join(result["problems"]) or "the host did not move as it should")
    for name, row in result["summary"].items():
        say(f"  {name:16} median {row['median']:8.2f}   95 % {row['p95']:8.2f}   worst {row['worst']:8.2f}")
    return {"moves": len(result["moves"]), **result["summary"]}


def options_of(arguments):
    parser = argparse.ArgumentParser(prog="tools/bench pmip", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few nodes, few moves, short floods")
    parser.add_argument("--nodes", type=int, help="how many are registered (20000; quick: 1000)")
    parser.add_argument("--moves", type=int, help="of the host (50; quick: 3)")
    parser.add_argument("--seconds", type=float, help="of each flood (2; quick: 0.3)")
    parser.add_argument("--json", metavar="FILE", type=pathlib.Path, help="write the figures there, too")
    options = parser.parse_args(arguments)
    options.nodes = options.nodes or (1000 if options.quick else 20000)
    options.moves = options.moves or (3 if options.quick else 50)
    options.seconds = options.seconds or (0.3 if options.quick else 2.0)
    if not 1 <= options.nodes <= 65536:
        parser.error("--nodes: from 1 to 65536, as sequence numbers tell them apart")
    return options


def main():
    options = options_of(sys.argv[1:])
    if os.geteuid() != 0:
        sys.exit("tools/bench pmip: network namespaces need root")
    build = pathlib.Path(os.environ["DMM_BUILD"]).resolve()
    figures = {"load": os.getloadavg()[0]}
    try:
        with tempfile.TemporaryDirectory() as directory, ProxyLab("bench", directory) as lab:
            ledger.reserve_hugepages(lab.ledger, 64)
            lab.build()
            bench = Bench(lab, options, build)
            say(f"registrations of {options.nodes} nodes, {OUTSTANDING} unanswered at most")
            figures["registrations"] = bench.rates()
            say(f"anchor's graph, {FLOWS} flows of small packets, without the ports")
            figures["forwarding"] = bench.ways()
        say(f"{options.moves} moves of a host, in ms")
        figures["handover"] = handovers(options.moves, build)
    except LabError as error:
        sys.exit(f"tools/bench pmip: {error}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
