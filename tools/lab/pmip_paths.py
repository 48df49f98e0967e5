"""The second half of the demo of Proxy Mobile IPv6: the host is at a gateway that has two links to its
anchor, LTE and WLAN in name (RFC 8278). Two checksummed downloads go on, which the configuration of both
ends wants on different links: "video" by WLAN, "files" by LTE, each by the other when its own carries
nothing; a ping is shared out packet by packet. Then WLAN is cut in silence: it swallows what it is given.
Anchor and gateway find that out by their probes, and the video moves to LTE. WLAN comes back, and the
video returns. At last the weights of both links are changed while all goes on, and the shares of the ping
follow.

For the cut and the return it shows
  moved         WLAN cut, or back, to the first packet of the video that the anchor sends by the other
  interruption  longest time around it without a packet of the video at the host
  lost          pings that never arrived
"""

import datetime
import functools
import ipaddress
import json
import struct
import time

from dataclasses import dataclass, field

from lab import packets, proxy_paths, turns
from lab.capture import Capture
from lab.flows import Pinging
from lab.measure import MILLISECOND, ms
from lab.proxy import ANCHOR, MN_ID
from lab.proxy_paths import CABLES, LABEL, LINK, LTE, WLAN, PathsGateway, make_anchor
from lab.programs import EPOCH
from lab.system import wait_for
from lab.topology import CN
from lab.turns import SECOND, Flow

NAMES = {WLAN: "WLAN", LTE: "LTE"}
SUPERVISION = proxy_paths.supervised("100ms", 3, 5)  # as it is without configuration
DETECTED_MS, AIM_MS = 300, 1000
DISTRIBUTION = f"""	distribution = {{
		steering = "packet";
		rules = (
			{{ protocol = 6; remote_port = "8001"; labels = [{LABEL[WLAN]}, {LABEL[LTE]}]; }},
			{{ protocol = 6; labels = [{LABEL[LTE]}, {LABEL[WLAN]}]; }}
		);
	}};
"""
WEIGHTS = ((3, 1), (1, 3))  # of WLAN and LTE, one after the other
SHARE_OFF = 0.02   # so far a share may be from what weights say
PINGS = 100        # that a share is told of
FOLLOWS = 1000 * MILLISECOND  # data planes may take after an end says that a link is down or up
BYTES_PER_SECOND = 500_000
STAY = 1.0         # seconds of each part
TCP, ECHO_REQUEST, ECHO_REPLY = 6, 128, 129
# Everything that goes by WLAN is lost at core, and nobody is told.
CUT = f"""table ip6 cut {{
	chain forward {{
		type filter hook forward priority 0
		iifname "{CABLES[WLAN]}" drop
		oifname "{CABLES[WLAN]}" drop
	}}
}}
"""


@dataclass
class Seen:
    """A packet of the host at the cable of the anchor. path: the gateway's end of its tunnel."""
    at: int
    path: str
    down: bool
    flow: str
    octets: int


@dataclass
class Turn(turns.Turn):
    """WLAN is cut, or is back; the video is to come by this path."""
    lost: int = None     # pings

    def as_json(self):
        return {**super().as_json(), "lost": self.lost, "to": NAMES[self.way]}


@dataclass
class Share:
    """What came by WLAN of the pings, and of the answers, while the weights were these."""
    weights: tuple       # of WLAN and LTE
    begin: int
    end: int = None
    wlan: dict = field(default_factory=dict)  # by direction

    def wanted(self):
        return self.weights[0] / sum(self.weights)

    def right(self):
        return len(self.wlan) == 2 and all(abs(share - self.wanted()) <= SHARE_OFF for share in self.wlan.values())

    def as_json(self):
        return {"weights": dict(zip(("wlan", "lte"), self.weights)), "wlan_wanted": round(self.wanted(), 3),
                **{f"wlan_{way}": share for way, share in self.wlan.items()}}


@functools.cache
def octets(address):
    return ipaddress.ip_address(address).packed


def flow_of(kind, rest, down):
    """Whose packet it is: a port of the correspondent, or a ping; None: another's."""
    if kind == TCP and len(rest) >= 4:
        return struct.unpack_from("!HH", rest)[0 if down else 1]
    if kind == packets.ICMPV6 and rest and rest[0] == (ECHO_REQUEST if down else ECHO_REPLY):
        return "ping"
    return None


class Watch:
    """The packets of the host with this address in the tunnels between anchor and gateway."""

    def __init__(self, capture, address, flows):
        self.capture, self.host = capture, octets(address)
        self.names = {flow.port: flow.name for flow in flows} | {"ping": "ping"}
        self.paths = {octets(path): path for path in NAMES}
        self.at, self.seen = 0, []

    def look(self):
        """All so far."""
        for at, frame, self.at in self.capture.since(self.at):
            one = self.read(at, frame)
            if one:
                self.seen.append(one)
        return self.seen

    def read(self, at, frame):
        if len(frame) < 94 or frame[12:14] != b"\x86\xdd":
            return None
        kind, inner = packets.upper(frame[14:])
        down = frame[22:38] == octets(ANCHOR)
        path = self.paths.get(frame[38:54] if down else frame[22:38])
        if kind != packets.IN_IPV6 or not path or (inner[24:40] if down else inner[8:24]) != self.host:
            return None
        name = self.names.get(flow_of(*packets.upper(inner), down))
        return name and Seen(at, path, down, name, struct.unpack_from("!H", inner, 4)[0])


def changes_of(end):
    """When an end of the tunnels said that a path is down, or up again: (time in ns, path, down)."""
    for event in map(json.loads, end.control.ctl("--json", "events").splitlines()):
        if event["event"] in ("path-down", "path-up"):
            at = datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00")) - EPOCH
            yield (at // datetime.timedelta(microseconds=1) * 1000, event["care_of_address"],
                   event["event"] == "path-down")


def allowed(changes, wanted, at):
    """The paths that packets of a flow may take at a time, by what the end that sends them said."""
    down = dict.fromkeys(NAMES, False)
    for when, path, is_down in changes:
        if abs(when - at) < FOLLOWS:
            return set(NAMES)
        if when < at:
            down[path] = is_down
    up = [path for path in NAMES if not down[path]]
    return {wanted} if wanted in up else set(up or NAMES)


class Paths:
    """The second half of a run, and what came of it. say(words) tells people what happens."""

    def __init__(self, lab, say):
        self.lab, self.say = lab, say
        self.flows = [Flow("video", 8001, WLAN), Flow("files", 8002, LTE)]
        self.turns, self.shares, self.problems, self.seen = [], [], [], []
        self.begin = self.end = None

    def play(self, anchor, gateway, address):
        """The parts are made by parts() and serve; the host has this address."""
        self.anchor, self.gateway, self.address = anchor, gateway, address
        self.go_there()
        self.capture = Capture(self.lab.core, "lma", "paths", "ip6", 192)
        self.watch = Watch(self.capture, address, self.flows)
        self.at_host = Capture(self.lab.mn, "wlan0", "host", "ip6 and tcp", 192)
        self.pinging = Pinging(self.lab, address)
        self.pinging.start()
        for flow in self.flows:
            flow.download = self.pinging.download(BYTES_PER_SECOND, flow.port)
        self.begin = time.time_ns()
        self.say("two downloads go on: video by WLAN, files by LTE; pings by both")
        turns.stay(STAY)
        self.turn("cut", LTE, "-f", "-", stdin=CUT)
        turns.stay(STAY)
        self.turn("back", WLAN, "delete", "table", "ip6", "cut")
        turns.stay(STAY)
        for weights in WEIGHTS:
            self.share(weights)
        self.finish()

    def go_there(self):
        if self.lab.place != LINK:
            self.lab.plug(LINK)
            self.say(f"the host moves to link {LINK}")
        wait_for(lambda: self.bound() and all(self.states(path) == [{"up"}, {"up"}] for path in NAMES),
                 "both links of the gateway to be used", pause=0.1)
        wait_for(lambda: " 1 received" in self.lab.cn.run("ping", "-c", "1", "-W", "1", self.address,
                                                         check=False), "the host to be reachable")
        self.say(f"the host is at mag{LINK}, which reaches the anchor by LTE and by WLAN")

    def bound(self):
        return any({path["care_of_address"] for path in session["paths"]} == set(NAMES)
                   for session in self.anchor.sessions("--mn-id", MN_ID[1]))

    def states(self, which):
        """What anchor and gateway say of a path."""
        return [{path["state"] for path in end.control.ask("path", "show")["paths"] if path[key] == which}
                for end, key in ((self.anchor, "remote"), (self.gateway, "local"))]

    def look(self):
        self.seen = self.watch.look()
        return self.seen

    def turn(self, kind, path, *command, **options):
        """WLAN is cut, or comes back."""
        self.lab.core.run("nft", *command, **options)
        turn = Turn(kind, time.time_ns(), path)
        self.turns.append(turn)
        state = "up" if path == WLAN else "down"
        wait_for(lambda: self.states(WLAN) == [{state}, {state}], f"both ends to see that WLAN is {state}")
        wait_for(lambda: len({one.down for one in self.look() if one.at > turn.at and one.path == path
                              and one.flow == "video"}) == 2, f"the video by {NAMES[path]}", pause=0.1)
        turn.settled = time.time_ns()
        self.say(f"WLAN is {kind}: the video comes by {NAMES[path]}")

    def share(self, weights):
        for path, weight in zip(NAMES, weights):
            for end in self.anchor, self.gateway:
                end.control.ctl("path", "weight", LABEL[path], weight)
        share = Share(weights, time.time_ns())
        self.shares.append(share)


        def followed():
            for way, down in (("down", True), ("up", False)):
                pings = [one for one in self.look() if one.flow == "ping" and one.down == down
                         and one.at > share.begin][-PINGS:]
                share.wlan[way] = round(sum(one.path == WLAN for one in pings) / PINGS, 3)
                if len(pings) < PINGS:
                    return False
            return share.right()

        try:
            wait_for(followed, f"the shares of weights {weights}", pause=0.2)
        finally:
            share.end = time.time_ns()
        self.say("weights of WLAN and LTE are {}:{}: ".format(*weights) +
                 f"WLAN takes {100 * share.wlan['down']:.0f} % of the pings down, "
                 f"{100 * share.wlan['up']:.0f} % up")

    def finish(self):
        self.problems += turns.finish(self.flows)
        self.end = time.time_ns()
        self.pinging.close()
        for capture in self.capture, self.at_host:
            capture.stop()
        self.look()
        for turn in self.turns:
            self.measure(turn)
        self.judge()

    def measure(self, turn):
        by_way = [one.at for one in self.seen if one.flow == "video" and one.down and one.path == turn.way]
        came = [at for at, frame in self.at_host.packets()
                if len(frame) >= 56 and frame[54:56] == self.flows[0].port.to_bytes(2, "big")
                and frame[22:38] == octets(CN)]
        turn.measure(by_way, came, turn.settled + SECOND // 2)
        turn.lost = len(self.pinging.pings().lost(turn.at - SECOND // 10, turn.settled))

    def judge(self):
        """A download is where it is wanted while this is up, else where it may be, and nowhere else."""
        changes = {True: list(changes_of(self.anchor)), False: list(changes_of(self.gateway))}
        for flow in self.flows:
            mine = [one for one in self.seen if one.flow == flow.name]
            astray = [one for one in mine if one.path not in allowed(changes[one.down], flow.way, one.at)]
            if astray or not mine:
                self.problems.append(f"{len(astray)} of {len(mine)} packets of {flow.name} went astray, the first "
                                     + (f"by {NAMES[astray[0].path]} at {self.since(astray[0].at)}" if astray else "-"))

    def since(self, at):
        return f"{(at - self.begin) / SECOND:.3f} s"

    def ok(self):
        return (not self.problems and len(self.turns) == 2 and len(self.shares) == len(WEIGHTS)
                and all(share.right() for share in self.shares) and all(flow.intact() for flow in self.flows)
                and all(turn.moved is not None and turn.interruption is not None for turn in self.turns))

    def in_time(self):
        """Whether the video moved from the link that was cut as quickly as is aimed at."""
        moved = ms(self.turns[0].moved) if self.turns else None
        return moved is not None and moved <= AIM_MS

    def as_json(self):
        return {"ok": self.ok(),
                "downloads": [{"name": flow.name, "link": NAMES[flow.way], **flow.outcome} for flow in self.flows],
                **{turn.kind: turn.as_json() for turn in self.turns},
                "failover_aim_ms": AIM_MS, "failover_in_time": self.in_time(),
                "shares": [share.as_json() for share in self.shares], "problems": self.problems}

    def rows(self):
        yield "      WLAN is         moved  interruption  pings lost"
        for turn in self.turns:
            figures = turn.as_json()
            yield (f"      {turn.kind:8} {figures['moved_ms'] or 0:10.1f} ms {figures['interruption_ms'] or 0:9.1f} ms "
                   f"{turn.lost if turn.lost is not None else '-':>11}")
        yield (f"          aim: the video moves within {AIM_MS} ms, of which probes take {DETECTED_MS}: "
               + ("reached" if self.in_time() else "MISSED"))
        for share in self.shares:
            down, up = (100 * share.wlan.get(way, 0) for way in ("down", "up"))
            yield ("      weights {}:{}:".format(*share.weights) + f" WLAN takes {down:.1f} % of the pings down, "
                   f"{up:.1f} % up; wanted: {100 * share.wanted():.1f} %")
        yield from (flow.row() for flow in self.flows)


def parts(lab, build):
    """Anchor and gateway of the second half, which serve the first as well."""
    return (make_anchor(lab, build, supervision=SUPERVISION, distribution=DISTRIBUTION),
            PathsGateway(lab, build, supervision=SUPERVISION, distribution=DISTRIBUTION))
