"""A ping and a download across the death of a program, and what they lost."""

import itertools
import signal
import time

from lab import measure, traffic
from lab.measure import MILLISECOND
from lab.system import wait_for
from lab.topology import CN, HOME_ADDRESS

NUMBERS = itertools.count()
PER_SECOND = 100
PYTHON = "/usr/bin/python3"


class Download:
    """A checksummed download of a mobile node from the correspondent node."""

    def __init__(self, lab):
        number = next(NUMBERS)
        port = 8080 + number
        self.serve = lab.cn.start(f"serve-{number}", PYTHON, traffic.__file__, "serve", CN, port, 500_000)
        wait_for(lambda: "listening" in self.serve.output(), "the server of the download")
        self.fetch = lab.mn.start(f"fetch-{number}", PYTHON, traffic.__file__, "fetch", HOME_ADDRESS,
                                  CN, port)
        wait_for(self.octets, "the download to begin")

    def octets(self):
        return sum(event["bytes"] for event in measure.log_events(self.fetch.log)
                   if event["event"] == "got")

    def intact(self):
        """Ends it; whether everything arrived as it was sent."""
        self.serve.send(signal.SIGTERM)
        self.fetch.wait()
        ends = [[(e["bytes"], e["sha256"]) for e in measure.log_events(process.log)
                 if e["event"] == event]
                for process, event in ((self.serve, "served"), (self.fetch, "fetched"))]
        return len(ends[0]) == 1 and ends[0] == ends[1] and ends[0][0][0] > 0


class Pinging:
    """A ping at 100 packets a second from the correspondent node to the home address."""

    def __init__(self, lab):
        self.lab, self.processes = lab, []

    def start(self):
        number = next(NUMBERS)
        self.hear = self.lab.mn.start(f"hear-{number}", PYTHON, traffic.__file__, "hear", HOME_ADDRESS)
        self.ping = self.lab.cn.start(f"ping-{number}", PYTHON, traffic.__file__, "ping", CN,
                                      HOME_ADDRESS, PER_SECOND)
        self.processes += [self.ping, self.hear]
        # The kernel answers before our listener has begun.
        wait_for(lambda: len((pings := self.pings()).heard) >= 10 and len(pings.replied) >= 10,
                 "the first replies")

    def download(self):
        made = Download(self.lab)
        self.processes += [made.serve, made.fetch]
        return made

    def pings(self):
        return measure.Pings.read(self.ping.log, self.hear.log)

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

    def interruption(self, since):
        """(requests lost, requests unanswered, longest time without a request at the node, and
        without a reply at the correspondent, both in ms) from a time in ns until now."""
        end = time.time_ns()

        def arrived():
            later = self.pings()
            return all(sum(at >= end for at in arrivals.values()) >= 5
                       for arrivals in (later.heard, later.replied)) and later
        pings = wait_for(arrived, "what is on its way")
        sent = [number for number, at in pings.sent.items() if since <= at < end - 100 * MILLISECOND]
        lost = [number for number in sent if number not in pings.heard]
        unanswered = [number for number in sent if number not in pings.replied]
        gaps = []
        for arrivals in (pings.heard, pings.replied):
            # From the last one before it.
            times = sorted(at for at in arrivals.values() if at <= end)
            gaps.append(max((b - a for a, b in zip(times, times[1:]) if b >= since), default=0)
                        / MILLISECOND - 1000 / PER_SECOND)
        return len(lost), len(unanswered), round(gaps[0]), round(gaps[1])

    def close(self):
        for process in self.processes:
            if process.running():
                process.stop(signal.SIGKILL)
