"""Killing programs of the gateway while the mobile node is away, and what users see of it."""

import signal
import time

from dataclasses import dataclass, field

from lab import words
from lab.measure import MILLISECOND, Loss, ms
from lab.moves import way
from lab.programs import logged
from lab.stage import BYTES_PER_SECOND
from lab.system import LabError, wait_for


@dataclass
class Death:
    """What was done to a program, and what the ping saw of it. Times in ns since 1970."""
    kind: str           # a key of words.DEATHS
    victim: str
    begin: int          # when it was killed; of one that comes back, started
    end: int = None
    loss: Loss = None
    started: int = None  # its new process
    synced: int = None   # a data plane's log says that it is synchronised
    again: int = None    # first packet after the longest time without one
    bindings: tuple = (None, None)  # how many there were before, and after
    marks: list = field(default_factory=list)  # (time, what happened)

    def title(self, names=words.DEATHS):
        return names[self.kind].format(self.victim)

    def interruption(self):
        return ms(self.loss.gap) if self.loss else None

    def since_start(self, at):
        return None if at is None or self.started is None else ms(at - self.started)


def judge(death, numbers, paths, serving, relays):
    """What is wrong with it, as a list of words. numbers: the pings that must have come this way."""
    found = []
    lost = death.loss.lost + death.loss.unanswered
    if death.kind in words.UNNOTICED and lost:
        found.append(f"{death.title()}: {death.loss.lost} pings and "
                     f"{death.loss.unanswered - death.loss.lost} replies lost")
    astray = paths.astray(numbers, serving, relays)
    if not numbers or astray:
        found.append(f"{death.title()}: {len(astray)} of {len(numbers)} pings did not come by {serving}"
                     + "".join(f" after {relay}" for relay in relays))
    return found


class Deaths:
    """All of them, one after the other, on a stage where the mobile node is at a visited link."""

    def __init__(self, stage):
        self.stage, self.happened, self.problems = stage, [], []
        self.attracting = stage.lab.attracts
        self.serving, self.relays = way(stage.lab.place, self.attracting)
        self.planes, self.control = stage.gateway.planes, stage.gateway.control

    def all(self):
        for happen in (self.control_restarts, self.relay_restarts, self.server_dies,
                       self.server_returns):
            try:
                happen()
            except LabError as error:
                self.problems.append(str(error))
                return

    def live(self, name, what, at=None):
        self.stage.lives.append((name, what, at or time.time_ns()))

    def kill(self, kind, name, part):
        self.mark = self.stage.mark()
        death = Death(kind, name, time.time_ns())
        self.happened.append(death)
        part.process.stop(signal.SIGKILL)
        self.live(name, "killed", death.begin)
        self.stage.say(death.title(), death.begin)
        death.marks.append((death.begin, "killed"))
        return death

    def start(self, death, part):
        death.started = time.time_ns()
        part.start()
        self.live(death.victim, "started", death.started)
        death.marks.append((death.started, "started"))

    def start_data_plane(self, death):
        """Starts it, and waits until its log says that it is synchronised."""
        plane = self.planes[death.victim]
        self.start(death, plane)
        death.synced = wait_for(
            lambda: logged(plane.process, death.started, "module=agent", "event=synced"),
            f"{death.victim} to be synchronised")
        death.marks.append((death.synced, "synchronised"))
        self.live(death.victim, "ready", death.synced)

    def settle(self, death, serving, relays, since=None):
        """Measures once packets flow again. since: when they had to come the way they should; None:
        now."""
        since = since or time.time_ns()
        octets = self.stage.download.octets()
        self.stage.pinging.goes_on("the ping to go on: " + death.title())
        death.end = time.time_ns()
        death.loss = self.stage.pinging.loss(death.begin)
        pings, paths = self.stage.pinging.pings(), self.stage.paths_until_now(self.mark, relays)
        numbers = [number for number in pings.sent_within(since, death.end - 100 * MILLISECOND)
                   if number in pings.heard]
        self.problems += judge(death, numbers, paths, serving, relays)
        self.again(death, paths, serving, relays)
        self.stage.tell(death.begin, death.marks, words.death_caption(death))
        # It waits longer the longer packets were lost (RFC 6298), and would miss what comes next.
        wait_for(lambda: self.stage.download.octets() > octets + BYTES_PER_SECOND // 2,
                 "the download to go on: " + death.title(), 60, pause=0.1)

    def again(self, death, paths, serving, relays):
        """Marks the first packet after the longest time without one."""
        arrivals = sorted(at for at, plane in paths.tunnelled if at >= death.begin and plane == serving)
        gaps = [(b - a, b) for a, b in zip([death.begin, *arrivals], arrivals)]
        if gaps and death.kind not in words.UNNOTICED:
            death.again = max(gaps)[1]
            came = f"relayed by {relays[0]}" if relays else f"by {serving}"
            death.marks.append((death.again, f"packets again, {came}"))

    def control_restarts(self):
        before, epoch = self.control.lasting(), self.control.ask("status")["epoch"]
        death = self.kill("ctrl_restart", "dmm-ctrl", self.control)
        # Data planes say so after three heartbeats; until then nothing could have gone wrong.
        for name, plane in self.planes.items():
            at = wait_for(lambda: logged(plane.process, death.begin, "event=control-lost"),
                          f"{name} to notice that control is gone")
            death.marks.append((at, f"{name} notices"))
        self.stage.pinging.goes_on("the ping to go on without dmm-ctrl")
        self.start(death, self.control)
        at = logged(self.control.process, death.started, "module=ctrl", "event=ready")
        death.marks.append((at, "ready"))
        self.live("dmm-ctrl", "ready", at)
        wait_for(self.stage.gateway.serving, "the data planes to be synchronised", pause=0.1)
        death.marks.append((time.time_ns(), "data planes synchronised"))
        after = self.control.lasting()
        death.bindings = len(before), len(after)
        if after != before or not before:
            self.problems.append(f"bindings before {death.title()}: {before}; after: {after}")
        if self.control.ask("status")["epoch"] == epoch:
            self.problems.append(f"{death.title()}: the epoch is the same")
        self.settle(death, self.serving, self.relays, death.begin)

    def relay_restarts(self):
        """What attracts the home prefix, alone, and relays; the node stays where it is."""
        before = self.control.lasting()
        death = self.kill("dp_restart", self.attracting, self.planes[self.attracting])
        self.start_data_plane(death)
        self.stage.pinging.goes_on("the ping to go on after the restart")
        wait_for(self.stage.gateway.synchronised, "it to be synchronised", pause=0.1)
        if self.control.lasting() != before:
            self.problems.append(f"{death.title()}: the binding has changed")
        self.settle(death, self.serving, self.relays)

    def server_dies(self):
        death = self.kill("dp_failover", self.serving, self.planes[self.serving])
        wait_for(lambda: self.stage.served_by(self.attracting), "the other one to serve", pause=0.1)
        down = logged(self.control.process, death.begin, "module=serving", f"name={self.serving}",
                      "state=down")
        death.marks.append((down, "dmm-ctrl notices"))
        self.settle(death, self.attracting, [])

    def server_returns(self):
        self.mark = self.stage.mark()
        death = Death("dp_return", self.serving, time.time_ns())
        self.happened.append(death)
        self.stage.say(death.title(), death.begin)
        self.start_data_plane(death)
        wait_for(lambda: self.stage.served_by(self.serving), "it to serve again", pause=0.2)
        self.settle(death, self.serving, self.relays)
