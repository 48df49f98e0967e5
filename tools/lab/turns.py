"""What demos of a node with two ways have in common: downloads that are wanted by one way each, and the
turns, at which the way of the video is cut or comes back and the video moves to the other or returns."""

import time

from dataclasses import dataclass, field

from lab.measure import ms
from lab.system import LabError, wait_for

SECOND = 1_000_000_000


@dataclass
class Flow:
    """A download, the port of the correspondent that it comes from, and the way that it is wanted by."""
    name: str
    port: int
    way: str
    download: object = None
    outcome: dict = field(default_factory=dict)

    def intact(self):
        return bool(self.outcome.get("intact"))

    def row(self):
        return (f"      {self.name}: {self.outcome.get('bytes', 0)} octets, "
                + ("intact" if self.intact() else "DAMAGED"))


@dataclass
class Turn:
    """The way is cut, or is back, at a time; the video is to come by this one. Times in ns."""
    kind: str
    at: int
    way: str
    settled: int = None  # when all programs and the download had followed
    moved: int = None
    interruption: int = None

    def measure(self, by_way, arrivals, until):
        """by_way: when packets of the video came by that way; arrivals: when all of them came to the
        node, until a time that the longest gap begins before. Both are in order."""
        first = next((at for at in by_way if at > self.at), None)
        self.moved = first and first - self.at
        gaps = [b - a for a, b in zip(arrivals, arrivals[1:]) if b >= self.at and a <= until]
        self.interruption = max(gaps, default=None)

    def as_json(self):
        return {"moved_ms": ms(self.moved), "interruption_ms": ms(self.interruption), "to": self.way}


def finish(flows):
    """Ends the downloads; returns what went wrong."""
    problems = []
    for flow in flows:
        try:
            flow.outcome = flow.download.finish()
        except LabError as error:
            problems.append(str(error))
        if not flow.intact():
            problems.append(f"the download of {flow.name} did not arrive whole")
    return problems


def stay(seconds):
    since = time.time_ns()
    wait_for(lambda: time.time_ns() - since > seconds * SECOND, "some time to pass")
