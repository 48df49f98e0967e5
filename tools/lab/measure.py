"""Pings as the traffic programs recorded them, and what they say was lost."""

import json

from dataclasses import dataclass, field

MILLISECOND = 1_000_000


class EventLog:
    """The JSON lines of a traffic program, read as the file grows."""

    def __init__(self, path):
        self.path, self.position, self.events = path, 0, []

    def read(self):
        """What was added since the last time; 'events' holds all."""
        with open(self.path, "rb") as file:
            file.seek(self.position)
            whole, newline, _ = file.read().rpartition(b"\n")
        self.position += len(whole) + len(newline)
        fresh = [json.loads(line) for line in whole.split(b"\n") if line.endswith(b"}")]
        self.events += fresh
        return fresh


@dataclass
class Loss:
    """What a part of the ping lost. Gaps in ns, less the time between two pings."""
    lost: int         # requests that never arrived
    unanswered: int
    gap: int          # longest time without a request at the node
    reply_gap: int    # and without a reply at the correspondent

    def as_json(self):
        return {"lost": self.lost, "unanswered": self.unanswered,
                "interruption_ms": ms(self.gap), "reply_interruption_ms": ms(self.reply_gap)}


@dataclass
class Pings:
    """The echo requests by number: when each was sent, heard by the mobile node, and answered."""
    sent: dict = field(default_factory=dict)
    heard: dict = field(default_factory=dict)
    replied: dict = field(default_factory=dict)

    def note(self, event):
        """Takes in a line of one of the traffic programs."""
        if event["event"] in ("sent", "unsent"):
            self.sent[event["number"]] = event["at"]
        elif event["event"] == "reply":
            self.replied.setdefault(event["number"], event["at"])
        elif event["event"] == "heard":
            self.heard.setdefault(event["number"], event["at"])

    def sent_within(self, begin, end):
        return [number for number, at in self.sent.items() if begin <= at < end]

    def lost(self, begin, end):
        return [number for number in self.sent_within(begin, end) if number not in self.heard]

    def loss(self, begin, settled, end, nominal):
        """Of what was sent in [begin, settled), and arrived, or did not, until end."""
        sent = self.sent_within(begin, settled)
        return Loss(sum(number not in self.heard for number in sent),
                    sum(number not in self.replied for number in sent),
                    longest_gap(self.heard, begin, end, nominal),
                    longest_gap(self.replied, begin, end, nominal))


def longest_gap(arrivals, begin, end, nominal):
    """Longest time between two arrivals that reaches into [begin, end], less the nominal one."""
    times = sorted(arrivals.values())
    # What has not ended by then lasts at least so long.
    times.append(max(end, times[-1] if times else begin))
    gaps = [later - earlier for earlier, later in zip(times, times[1:])
            if later >= begin and earlier <= end]
    return max(0, max(gaps, default=end - begin) - nominal)


def ms(value):
    """Nanoseconds as milliseconds for people and JSON."""
    return None if value is None else round(value / MILLISECOND, 3)
