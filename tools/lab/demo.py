"""The demo: a mobile node moves between its home link and two visited links, each with a data plane
nearby, while a ping at 100 packets a second and a checksummed download go on, through the real
programs. At its last stay on link B dmm-ctrl is killed and started later; then data plane dp1, which
attracts the home prefix and relays, is killed and started at once; then dp2, which serves the node.

For each move it shows
  signalling    first Binding Update on the wire to its Binding Acknowledgement
  interruption  longest time without a ping arriving at the mobile node, less the 10 ms between two
  path back     new care-of address usable to the first downlink packet on the new path
  lost          pings that never arrived
  relayed       packets that the data plane which attracts the home prefix sent to the serving one
and for each death the same interruption, and how long after its start a data plane logs that it is
synchronised.
"""

import statistics

from lab import deaths, moves, show, timeline, words
from lab.packets import packets_of
from lab.stage import Stage
from lab.two_planes import TwoPlaneLab

LABEL = "demo"


def route(count):
    """Where the moves go: away, between the visited links, and home with the last one."""
    visited = ("a", "b") if count > 2 else ("b",)
    return [visited[i % 2] for i in range(count - 1)] + ["home"]


def summary(made):
    """Median and worst of the moves between the visited links."""
    figures = {}
    away = [move.as_json() for move in made if "home" not in (move.origin, move.target)]
    for key in ("signalling_ms", "interruption_ms", "recovery_ms", "lost"):
        values = [move[key] for move in away if move[key] is not None]
        if values:
            figures[key] = {"median": round(statistics.median(values), 3), "worst": max(values)}
    return figures


class Demo:
    """One run, and what came of it."""

    def __init__(self, stage, count):
        self.stage, self.count = stage, count
        self.moves, self.deaths, self.problems = [], [], []
        self.outcome = {"bytes": 0, "intact": False}

    def play(self):
        self.stage.set_up()
        self.stage.start_traffic()
        targets = route(self.count)
        last_at_b = max(index for index, target in enumerate(targets) if target == "b")
        for index, target in enumerate(targets):
            move, found = moves.make(self.stage, target)
            self.moves.append(move)
            self.problems += found
            if index == last_at_b and not found:
                self.kill()
        self.outcome, found = self.stage.end_traffic()
        self.problems += found

    def kill(self):
        played = deaths.Deaths(self.stage)
        played.all()
        self.deaths = played.happened
        self.problems += played.problems

    def death(self, kind):
        """The death of a kind if all of it was measured."""
        return next((death for death in self.deaths if death.kind == kind and death.loss), None)

    def ok(self):
        return (not self.problems and self.outcome["intact"] and len(self.moves) == self.count
                and all(map(self.death, words.DEATHS)))

    def picture(self):
        stage = self.stage
        return timeline.draw(timeline.Record(
            stage.begin, stage.end, stage.places, stage.lives, self.moves, self.deaths,
            stage.pinging.pings(), stage.paths(), stage.download.got(),
            [p for p in packets_of(stage.air) if p.kind in timeline.SIGNAL]))

    def table(self, picture):
        return words.table(self, self.as_json(), picture)

    def doors(self):
        stage = self.stage
        return words.doors(stage.lab, stage.build, stage.lab.ctrl, stage.mobile)

    def as_json(self):
        control, restart, failover = map(self.death, ("ctrl_restart", "dp_restart", "dp_failover"))
        return {
            "ok": self.ok(), "moves": [move.as_json() for move in self.moves], "tcp": self.outcome,
            "ctrl_restart": {"lost": control and control.loss.lost,
                             "bindings_before": control and control.bindings[0],
                             "bindings_after": control and control.bindings[1]},
            "dp_restart": {"interruption_ms": restart and restart.interruption(),
                           "resync_ms": restart and restart.since_start(restart.synced)},
            "dp_failover": {"interruption_ms": failover and failover.interruption()},
            "between_visited_links": summary(self.moves), "problems": self.problems}


def arguments():
    parser = show.parser("tools/demo", __doc__)
    parser.add_argument("--moves", type=int, default=4, metavar="N",
                        help="how many moves; the last one goes home (4)")
    args = parser.parse_args()
    if args.moves < 2:
        parser.error("--moves: at least 2, out and home again")
    return args


def main():
    args = arguments()
    return show.perform(LABEL, args, TwoPlaneLab,
                        lambda lab, build: Demo(Stage(lab, build), args.moves))
