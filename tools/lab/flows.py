"""A ping and a checksummed download between the correspondent and the mobile node."""

import itertools
import signal
import time

from lab import measure, traffic
from lab.measure import MILLISECOND
from lab.system import wait_for
from lab.topology import CN, HOME_ADDRESS

NUMBERS = itertools.count()
PINGS_PER_SECOND = 100
PING_INTERVAL = 1_000_000_000 // PINGS_PER_SECOND
PYTHON = "/usr/bin/python3"


class Download:
    """A checksummed download of a mobile node, at this address of it, from the correspondent node."""

    def __init__(self, lab, bytes_per_second=500_000, port=None, address=HOME_ADDRESS):
        number = next(NUMBERS)
        port = port or 8080 + number
        self.serve = lab.cn.start(f"serve-{number}", PYTHON, traffic.__file__, "serve", CN, port,
                                  bytes_per_second)
        wait_for(lambda: "listening" in self.serve.output(), "the server of the download")
        self.fetch = lab.mn.start(f"fetch-{number}", PYTHON, traffic.__file__, "fetch", address, CN,
                                  port)
        self.log = measure.EventLog(self.fetch.log)
        wait_for(self.octets, "the download to begin")

    def got(self):
        """What arrived so far, as (time in ns since 1970, octets)."""
        self.log.read()
        return [(event["at"], event["bytes"]) for event in self.log.events if event["event"] == "got"]

    def octets(self):
        return sum(octets for _, octets in self.got())

    def finish(self):
        """Ends it; how many octets arrived, and whether they did as they were sent."""
        self.serve.send(signal.SIGTERM)
        self.fetch.wait()
        ends = [[(e["bytes"], e["sha256"]) for e in measure.EventLog(process.log).read()
                 if e["event"] == event]
                for process, event in ((self.serve, "served"), (self.fetch, "fetched"))]
        octets = ends[1][0][0] if ends[1] else 0
        return {"bytes": octets, "intact": len(ends[0]) == 1 and ends[0] == ends[1] and octets > 0}

    def intact(self):
        """Ends it; whether everything arrived as it was sent."""
        return self.finish()["intact"]


class Pinging:
    """A ping at 100 packets a second from the correspondent node to an address of the mobile node."""

    def __init__(self, lab, address=HOME_ADDRESS):
        self.lab, self.address, self.processes = lab, address, []

    def start(self):
        number = next(NUMBERS)
        self.hear = self.lab.mn.start(f"hear-{number}", PYTHON, traffic.__file__, "hear", self.address)
        self.ping = self.lab.cn.start(f"ping-{number}", PYTHON, traffic.__file__, "ping", CN,
                                      self.address, PINGS_PER_SECOND)
        self.processes += [self.ping, self.hear]
        self.logs = [measure.EventLog(process.log) for process in (self.ping, self.hear)]
        self.known = measure.Pings()
        # The kernel answers before our listener has begun.
        wait_for(lambda: len((pings := self.pings()).heard) >= 10 and len(pings.replied) >= 10,
                 "the first replies")

    def download(self, bytes_per_second=500_000, port=None):
        made = Download(self.lab, bytes_per_second, port, self.address)
        self.processes += [made.serve, made.fetch]
        return made

    def pings(self):
        """All so far; the same object each time."""
        for log in self.logs:
            for event in log.read():
                self.known.note(event)
        return self.known

    def answered(self, since):
        """How many replies came since a time in ns."""
        return sum(at >= since for at in self.pings().replied.values())

    def goes_on(self, what):
        """Waits until requests of now are answered again."""
        since = time.time_ns()

        def fresh():
            pings = self.pings()
            return sum(pings.sent.get(number, 0) >= since for number in pings.replied)
        wait_for(lambda: fresh() >= 20, what, 60)

    def loss(self, since):
        """What was lost from a time in ns until now, as a measure.Loss."""
        end = time.time_ns()

        def arrived():
            later = self.pings()
            return all(sum(at >= end for at in arrivals.values()) >= 5
                       for arrivals in (later.heard, later.replied)) and later
        pings = wait_for(arrived, "what is on its way")
        # What was sent just before may still be on its way when it is killed.
        return pings.loss(since - PING_INTERVAL, end - 100 * MILLISECOND, end, PING_INTERVAL)

    def close(self):
        for process in self.processes:
            if process.running():
                process.stop(signal.SIGKILL)
