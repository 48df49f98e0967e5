"""The demo: a mobile node moves between its home link and two visited links while a ping at 100
packets a second and a checksummed download go on, through the real programs.

For each move it shows
  signalling    first Binding Update on the wire to its Binding Acknowledgement
  interruption  longest time without a ping arriving at the mobile node, less the 10 ms between two
  path back     new care-of address usable to the first downlink packet on the new path
  lost          pings that never arrived
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import statistics
import sys
import time

from lab import ledger, measure, programs, timeline, traffic
from lab.capture import Capture
from lab.measure import MILLISECOND
from lab.system import LabError, run, wait_for
from lab.topology import CN, HOME_ADDRESS, HOME_PREFIX, VISITED_PREFIX, Lab

LABEL = "demo"
PINGS_PER_SECOND = 100
PING_INTERVAL = 1_000_000_000 // PINGS_PER_SECOND
BYTES_PER_SECOND = 2_000_000
PORT = 8080
HUGEPAGES = 128
PREFIX = {"home": HOME_PREFIX, "a": VISITED_PREFIX["a"] + "/64", "b": VISITED_PREFIX["b"] + "/64"}
AT_LEAST = 1.5  # seconds at each place, so that one can watch


class Demo:
    def __init__(self, lab, build):
        self.lab, self.build = lab, build
        self.gateway = programs.Gateway(lab, build)
        self.mobile = None
        self.started = time.time_ns()
        self.places, self.moves, self.problems = [], [], []
        self.last = None  # the move under way, as far as it is known

    def say(self, words, at=None):
        print(f"{((at or time.time_ns()) - self.started) / 1e9:8.3f} s  {words}", flush=True)

    def set_up(self):
        ledger.reserve_hugepages(self.lab.ledger, HUGEPAGES)
        self.lab.build()
        self.say("the network is up: cn, core, gw, host, ara, arb, mn")
        self.gateway.start()
        self.gateway.import_subscribers()
        self.say("the gateway serves: dmm-ctrl and dmm-dp are synchronised")
        self.mobile = programs.MobileNode(self.lab.mn, self.build)
        self.watch = measure.AddressWatch(self.lab.mn)
        self.lab.plug("home")
        self.mobile.start()
        wait_for(self.settled, "the mobile node to be at home")
        self.say("the mobile node is at home: " + HOME_ADDRESS)

    def settled(self):
        """Whether the mobile node, and the gateway's bindings, are as the link wants them."""
        status = self.mobile.status()
        binding = self.gateway.control.binding(HOME_ADDRESS)
        if not status:
            return False
        if self.lab.place == "home":
            return status["state"] == "home" and binding is None and self.reachable()
        return (binding is not None and binding["state"] == "active"
                and binding["care_of_address"].startswith(VISITED_PREFIX[self.lab.place][:-1])
                and status["state"] == "registered")

    def reachable(self):
        """Whether the home address answers."""
        return "1 received" in self.lab.cn.run("ping", "-c", "1", "-W", "1", HOME_ADDRESS, check=False)

    def start_traffic(self):
        cn, mn = self.lab.cn, self.lab.mn
        script = traffic.__file__
        python = "/usr/bin/python3"
        self.capture = Capture(mn, "wlan0", "wlan0", "ip6")
        self.hear = mn.start("hear", python, script, "hear", HOME_ADDRESS)
        self.ping = cn.start("ping", python, script, "ping", CN, HOME_ADDRESS, PINGS_PER_SECOND)
        self.serve = cn.start("serve", python, script, "serve", CN, PORT, BYTES_PER_SECOND)
        wait_for(lambda: "listening" in self.serve.output(), "the server of the download")
        self.fetch = mn.start("fetch", python, script, "fetch", HOME_ADDRESS, CN, PORT)
        wait_for(lambda: self.pings_answered(self.started) and self.octets(), "the first traffic")
        self.begin = time.time_ns()
        self.say("ping and download are running")

    def pings(self):
        return measure.Pings.read(self.ping.log, self.hear.log)

    def pings_answered(self, since, count=10):
        return sum(at >= since for at in self.pings().replied.values()) >= count

    def octets(self):
        return sum(event["bytes"] for event in measure.log_events(self.fetch.log)
                   if event["event"] == "got")

    def move(self, target):
        origin = self.lab.place
        octets_before = self.octets()
        packets_before = self.capture.size()
        move = measure.Move(origin, target, time.time_ns())
        self.moves.append(move)
        self.enter(target, move.unplugged)
        self.lab.plug(target)
        self.say(f"moves from {timeline.LINK_NAMES[origin]} to {timeline.LINK_NAMES[target]}",
                 move.unplugged)

        def complete():
            fresh = measure.Move(origin, target, move.unplugged)
            packets = [measure.packet_of(at, frame) for at, frame in self.capture.packets(packets_before)]
            measure.complete(fresh, filter(None, packets), PREFIX[target], HOME_ADDRESS,
                             list(self.watch.seen))
            self.last = fresh
            return fresh.acknowledged and fresh.restored

        # Looking costs processor time that the programs need just now.
        time.sleep(0.3)
        try:
            wait_for(complete, "the move to complete", pause=0.1)
            wait_for(self.settled, f"the binding to be right after the move to {target}")
            back = time.time_ns()
            wait_for(lambda: self.pings_answered(back, 20), "the ping to go on after the move")
            wait_for(lambda: self.octets() > octets_before + BYTES_PER_SECOND // 10,
                     "the download to go on after the move")
        except LabError as error:
            self.problems.append(str(error))
        wait_for(lambda: time.time_ns() - move.unplugged > AT_LEAST * 1e9, "some time to pass")
        fresh = self.last
        fresh.end = time.time_ns()
        self.moves[-1] = fresh
        self.judge(fresh)

    def judge(self, move):
        """Works out loss and interruption, and shows the move."""
        pings = self.pings()
        # What was sent last may still be on its way.
        settled = move.end - 200 * MILLISECOND
        lost = pings.lost(move.unplugged - PING_INTERVAL, settled)
        move.lost = len(lost)
        move.gap = pings.longest_gap(move.unplugged - 2 * PING_INTERVAL, move.end, PING_INTERVAL)
        for at, words in ((move.usable, "address on the new link is usable"),
                          (move.updates[0] if move.updates else None, "Binding Update leaves"),
                          (move.acknowledged, f"Binding Acknowledgement, status {move.status}"),
                          (move.restored, "first packet on the new path")):
            if at:
                self.say(f"    +{(at - move.unplugged) / MILLISECOND:7.1f} ms  {words}", at)
        self.say("  = " + timeline.caption(move), move.end)
        if move.status != 0:
            self.problems.append(f"{move.origin} to {move.target}: status {move.status}")
        if move.recovery() is None:
            self.problems.append(f"{move.origin} to {move.target}: no packet on the new path was seen")

    def enter(self, link, at):
        if self.places:
            self.places[-1]["end"] = at
        self.places.append({"link": link, "begin": at, "end": at})

    def end_traffic(self):
        """Ends ping and download; returns the outcome of the download."""
        self.serve.send(signal.SIGTERM)
        outcome = {"bytes": 0, "intact": False}
        try:
            self.fetch.wait(60)
            served = [e for e in measure.log_events(self.serve.log) if e["event"] == "served"]
            fetched = [e for e in measure.log_events(self.fetch.log) if e["event"] == "fetched"]
            if served and fetched:
                outcome["bytes"] = fetched[0]["bytes"]
                outcome["intact"] = (fetched[0]["bytes"] > 0
                                     and (fetched[0]["bytes"], fetched[0]["sha256"])
                                     == (served[0]["bytes"], served[0]["sha256"]))
        except LabError as error:
            self.problems.append(str(error))
        if not outcome["intact"]:
            self.problems.append("the download did not arrive whole")
        self.places[-1]["end"] = self.end = time.time_ns()
        for process in (self.ping, self.hear):
            process.stop()
        self.capture.stop()
        return outcome

    def picture(self, path):
        packets = [measure.packet_of(at, frame) for at, frame in self.capture.packets()]
        download = [(e["at"], e["bytes"]) for e in measure.log_events(self.fetch.log)
                    if e["event"] == "got"]
        drawn = timeline.draw({
            "begin": self.begin, "end": self.end, "places": self.places, "moves": self.moves,
            "pings": self.pings(), "download": download,
            "signalling": [p for p in packets if p and p.kind in ("update", "acknowledgement")]})
        path.write_text(drawn)
        run("rsvg-convert", "--output", path.with_suffix(".png"), path)


def route(count):
    """Where the moves go: away, between the visited links, and home with the last one."""
    visited = ("a", "b")
    return [visited[i % 2] for i in range(count - 1)] + ["home"]


def summary(moves):
    """Median and worst of the moves between the visited links."""
    figures = {}
    away = [m.as_json() for m in moves if "home" not in (m.origin, m.target)]
    for key in ("signalling_ms", "interruption_ms", "recovery_ms", "lost"):
        values = [m[key] for m in away if m[key] is not None]
        if values:
            figures[key] = {"median": round(statistics.median(values), 3), "worst": max(values)}
    return figures


def show_summary(demo, outcome, figures, picture):
    print()
    print("  move           signalling  interruption  path back   lost")
    for move in demo.moves:
        values = move.as_json()
        cells = [f"{values[key]:9.1f} ms" if values[key] is not None else "           -"
                 for key in ("signalling_ms", "interruption_ms", "recovery_ms")]
        print(f"  {move.origin:>4} -> {move.target:<4}  {'  '.join(cells)}  {move.lost:5}")
    if figures:
        words = [f"{name} {figures[key]['median']} ({figures[key]['worst']}) ms" for name, key in
                 (("signalling", "signalling_ms"), ("interruption", "interruption_ms"),
                  ("path back", "recovery_ms")) if key in figures]
        print(f"  between visited links, median (worst): {', '.join(words)}")
    print(f"  download: {outcome['bytes']} octets, {'intact' if outcome['intact'] else 'DAMAGED'}")
    print(f"  picture:  {picture} and {picture.with_suffix('.png')}")


def stop(label=LABEL):
    """Ends every demo of this machine and removes what it made."""
    found = ledger.Ledger.all(label)
    for entry in found:
        owner = entry.owner()
        if owner:
            ledger.end_processes([(owner, ledger.start_time(owner))], patience=30)
        entry.remove()
        print(f"removed {entry.name}")
    if not found:
        print("nothing to remove")


def arguments():
    parser = argparse.ArgumentParser(prog="tools/demo", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moves", type=int, default=4, metavar="N",
                        help="how many moves; the last one goes home (4)")
    parser.add_argument("--json", metavar="FILE", type=pathlib.Path, help="also write the figures here")
    parser.add_argument("--build", metavar="DIR", type=pathlib.Path, default=programs.ROOT / "build",
                        help="build directory (build)")
    parser.add_argument("--output", metavar="DIR", type=pathlib.Path,
                        help="where logs, captures and the picture go (BUILD/demo)")
    parser.add_argument("--keep", action="store_true",
                        help="leave the network and the programs running; see --stop")
    parser.add_argument("--stop", action="store_true", help="remove what a demo left, and end")
    args = parser.parse_args()
    if args.moves < 2:
        parser.error("--moves: at least 2, out and home again")
    return args


def main():
    args = arguments()
    if args.stop:
        stop()
        return 0
    if os.geteuid() != 0:
        print("tools/demo: needs root for network namespaces", file=sys.stderr)
        return 1
    output = (args.output or args.build / "demo").resolve()
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    # What an earlier --keep left would be in the way of nothing, but it holds memory.
    for kept in ledger.Ledger.all(LABEL):
        if kept.owner() is None:
            kept.remove()
    outcome, demo = {"bytes": 0, "intact": False}, None
    picture = output / "timeline.svg"
    with Lab(LABEL, output) as lab:
        demo = Demo(lab, args.build.resolve())
        try:
            demo.set_up()
            demo.start_traffic()
            demo.enter("home", demo.begin)
            wait_for(lambda: time.time_ns() - demo.begin > AT_LEAST * 1e9, "some time to pass")
            for target in route(args.moves):
                demo.move(target)
            outcome = demo.end_traffic()
            demo.picture(picture)
        except LabError as error:
            demo.problems.append(str(error))
        figures = summary(demo.moves)
        if picture.exists():
            show_summary(demo, outcome, figures, picture)
        lab.keep = args.keep
        if args.keep:
            print(f"  kept: {', '.join(lab.nodes)}")
            doors = [node.write_door(programs.folders(args.build)) for node in lab.nodes.values()]
            print(f"  look around: {doors[0].parent.parent}/NODE/enter COMMAND..., for example")
            print(f"    {lab.gw.directory}/enter dmmctl binding show")
            print(f"    {lab.mn.directory}/enter dmm-mn --config {demo.mobile.config} --status")
            print("  tools/demo --stop removes it")
    ok = not demo.problems and outcome["intact"] and len(demo.moves) == args.moves
    for problem in demo.problems:
        print(f"tools/demo: {problem}", file=sys.stderr)
    if args.json:
        args.json.write_text(json.dumps({
            "ok": ok, "moves": [move.as_json() for move in demo.moves], "tcp": outcome,
            "between_visited_links": figures, "problems": demo.problems}, indent=2) + "\n")
    print("ok" if ok else "FAILED (logs: " + str(output) + ")")
    return 0 if ok else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("tools/demo: interrupted, everything is removed", file=sys.stderr)
        sys.exit(130)
