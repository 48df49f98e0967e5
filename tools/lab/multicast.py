"""The demo of multicast that follows the node. A source in the core network sends a numbered stream of
100 datagrams a second to one group, and a video of 4 Mbit/s, which is listened to from this source
alone, to another. Three mobile nodes listen to both: one is at home, one stays on link B, and one moves
from link A to link B meanwhile. To that one the source also sends a unicast stream of 100 a second, for
comparison.

The nodes are dmm-mn, which tells the home agent what programs listen to (Multicast State option); the
data plane copies into their tunnels, and once onto the home link, where the gateway is the MLD querier;
it joins the groups upstream, where a bridge of Linux that snoops brings nothing that nobody asked for."""

import json
import time

from dataclasses import dataclass, field

from lab import ledger, multicast_picture, programs, show, words
from lab.streams import Ear, Sender, Stream, loss
from lab.system import wait_for
from lab.topology import CORE_GATEWAY, HOME_AGENT, HOME_PREFIX, Lab

LABEL = "multicast"
HUGEPAGES = 64
STAY = 2.0  # seconds before the move, and after it
SECOND = 1_000_000_000
UNICAST_PORT, NUMBERS_PORT, VIDEO_PORT = 7000, 7001, 7002
LOST_MOST = 100  # of those that a node which does not move was sent, one in so many


@dataclass
class Listener:
    """A mobile node that listens."""
    name: str
    link: str
    home_address: str
    spi: int
    key: str
    target: str = None  # the link that it moves to
    program: programs.MobileNode = None
    ear: Ear = None
    losses: dict = field(default_factory=dict)

    def mn_id(self):
        return f"{self.name}@example.net"

    def subscriber(self):
        return {"mn_id": self.mn_id(), "home_addresses": [self.home_address], "spi": self.spi,
                "key": self.key}

    def changes(self):
        return (("mn1@example.net", self.mn_id()), ('"2001:db8:100::10"', f'"{self.home_address}"'),
                ("spi = 1000", f"spi = {self.spi}"), ("000102030405060708090a0b0c0d0e0f", self.key))

    def as_json(self):
        return {"name": self.name, "link": self.link, "moves_to": self.target,
                **{name: one.as_json() for name, one in self.losses.items()}}


class SnoopingLab(Lab):
    """The standard network, in which the core link is a bridge that snoops, and is the MLD querier."""

    def build(self):
        super().build()
        # In hundredths of a second.
        self.core.ip("link add name transit type bridge mcast_snooping 1 mcast_mld_version 2"
                     " mcast_query_response_interval 50 mcast_startup_query_interval 50",
                     "link set transit type bridge mcast_querier 1",
                     "link set gw master transit", "link set transit up",
                     f"address del {CORE_GATEWAY}/64 dev gw",
                     f"address add {CORE_GATEWAY}/64 dev transit nodad",
                     f"route replace {HOME_PREFIX} via {HOME_AGENT}")


class Multicast:
    def __init__(self, lab, build):
        self.lab, self.build = lab, build
        self.listeners = [
            Listener("mn", "a", "2001:db8:100::31", 1031, "31" * 16, target="b"),
            Listener("mn2", "b", "2001:db8:100::32", 1032, "32" * 16),
            Listener("mn3", "home", "2001:db8:100::33", 1033, "33" * 16)]
        self.numbers = Stream("numbers", "ff1e::5:1", NUMBERS_PORT, 100, 200)
        self.video = Stream("video", "ff3e::5:3", VIDEO_PORT, 400, 1250, CORE_GATEWAY)
        self.unicast = Stream("unicast", self.mover.home_address, UNICAST_PORT, 100, 200)
        self.problems = []
        self.raised = time.time_ns()
        self.begin = self.end = self.moved = self.settled = None

    @property
    def mover(self):
        return self.listeners[0]

    def say(self, text):
        print(f"{(time.time_ns() - self.raised) / SECOND:8.3f} s  {text}", flush=True)

    def streams_of(self, listener):
        return [self.numbers, self.video] + ([self.unicast] if listener is self.mover else [])

    def set_up(self):
        ledger.reserve_hugepages(self.lab.ledger, HUGEPAGES)
        self.lab.build()
        self.gateway = programs.Gateway(self.lab, self.build)
        self.gateway.start()
        file = self.lab.gw.directory / "subscribers.jsonl"
        file.write_text("".join(json.dumps(one.subscriber()) + "\n" for one in self.listeners))
        self.gateway.import_subscribers(file)
        self.say("dmm-ctrl serves, dp1 is synchronised")
        for one in self.listeners:
            if one is not self.mover:
                self.lab.radio(one.name)
            self.lab.plug(one.link, one.name)
            one.program = programs.MobileNode(self.lab.node(one.name), self.build)
            one.program.reconfigure(*one.changes())
            one.program.start()
        for one in self.listeners:
            wait_for(lambda one=one: self.settled_on(one, one.link), f"{one.name} to be on its link")
            one.ear = Ear(self.lab.node(one.name), "dmm0", self.streams_of(one))
        wait_for(self.all_listened, "both groups to be listened to by all", pause=0.1)
        self.say("three nodes listen: on link A, on link B, and at home")

    @staticmethod
    def settled_on(listener, link):
        status = listener.program.status()
        if not status:
            return False
        if link == "home":
            return status["state"] == "home"
        return (status["state"] == "registered"
                and status["care_of_address"].startswith(f"2001:db8:{link}:"))

    def all_listened(self):
        found = {item["group"]: item["members"]
                 for item in self.gateway.control.ask("mcast", "show")["groups"]}
        # Two tunnels and the home link.
        return found == {self.numbers.address: 3, self.video.address: 3}

    def play(self):
        self.set_up()
        self.sender = Sender(self.lab.core, CORE_GATEWAY, "transit",
                             [self.numbers, self.video, self.unicast])
        for one in self.listeners:
            for stream in self.streams_of(one):
                one.ear.goes_on(stream.name, f"{one.name} to hear {stream.name}")
        self.begin = time.time_ns()
        self.say("all of them hear the numbers and the video")
        self.stay()
        self.moved = time.time_ns()
        self.lab.plug(self.mover.target, self.mover.name)
        wait_for(lambda: self.settled_on(self.mover, self.mover.target), "the node to be on link B")
        for stream in self.streams_of(self.mover):
            self.mover.ear.goes_on(stream.name, f"{stream.name} after the move")
        self.settled = time.time_ns()
        self.say("one has moved from link A to link B, and hears both")
        self.stay()
        self.end = time.time_ns()
        # What is on its way arrives.
        time.sleep(0.5)
        self.sender.stop()
        for one in self.listeners:
            one.ear.close()
        self.measure()

    @staticmethod
    def stay():
        since = time.time_ns()
        wait_for(lambda: time.time_ns() - since > STAY * SECOND, "some time to pass", pause=0.1)

    def measure(self):
        for one in self.listeners:
            for stream in self.streams_of(one):
                one.losses[stream.name] = loss(stream, one.ear.heard[stream.name], self.begin, self.end)
                self.judge(one, stream, one.losses[stream.name])

    def judge(self, one, stream, found):
        if found.duplicated:
            self.problems.append(f"{one.name} heard {found.duplicated} of {stream.name} twice")
        if not one.target and found.lost * LOST_MOST > found.sent:
            self.problems.append(f"{one.name}, which stays, lost {found.lost} of {stream.name}")
        if not found.received:
            self.problems.append(f"{one.name} heard nothing of {stream.name}")

    def ok(self):
        return not self.problems and self.end is not None

    def as_json(self):
        return {"ok": self.ok(), "nodes": [one.as_json() for one in self.listeners],
                "streams": [{"name": stream.name, "group": stream.address, "source": stream.source,
                             "rate": stream.rate, "octets": stream.octets}
                            for stream in (self.numbers, self.video, self.unicast)],
                "problems": self.problems}

    def picture(self):
        return multicast_picture.draw(self)

    def table(self, picture):
        lines = ["", "      node  link     stream     received    lost  duplicated  interruption"]
        for one in self.listeners:
            link = one.link + (f" -> {one.target}" if one.target else "")
            for name, found in one.losses.items():
                lines.append(f"      {one.name:5} {link:8} {name:8} {found.received:7} of {found.sent:<6} "
                             f"{found.lost:2} {found.duplicated:11} {found.gap / 1e6:10.1f} ms")
        return "\n".join([*lines, f"      picture: {picture.with_suffix('.png')}"])

    def doors(self):
        return words.doors(self.lab, self.build, self.lab.gw, self.mover.program, LABEL)


def main():
    return show.perform(LABEL, show.parser("tools/demo multicast", __doc__).parse_args(), SnoopingLab, Multicast)
