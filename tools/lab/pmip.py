"""The demo of Proxy Mobile IPv6: a Linux host, which has no software of ours, no setting that is not
the kernel's own, and knows nothing of mobility, moves between the access links of three mobile access
gateways, while a ping at 100 packets a second and a checksummed download go on. It keeps its address
and its router: the gateways see that it came, register it with the anchor, and the anchor tunnels its
packets there. All programs are the real ones: dmm-ctrl and dmm-dp as anchor, and as each gateway.

For each move it shows
  seen          host on the new link to the gateway's first Proxy Binding Update
  signalling    first Proxy Binding Update to its Proxy Binding Acknowledgement
  path back     host on the new link to the first packet in the tunnel to the new gateway
  interruption  longest time without a ping arriving at the host, less the 10 ms between two
  lost          pings that never arrived
"""

import itertools
import math
import statistics
import time

from dataclasses import dataclass, field

from lab import ledger, pmip_paths, pmip_picture, show, words
from lab.capture import Capture
from lab.flows import Pinging
from lab.measure import MILLISECOND, ms
from lab.packets import packets_of
from lab.proxy import LINKS, MN_ID, ROUTER, AccessGateway, Anchor, global_address, is_downlink
from lab.proxy_paths import PLACE, PathsLab
from lab.system import LabError, wait_for

LABEL = "pmip"
HUGEPAGES = 320
BYTES_PER_SECOND = 500_000
STAY = 1.5   # seconds on each link
SECOND = 1_000_000_000
OCTETS = 192  # all of a registration, and of a packet in the tunnel up to the number of a ping


@dataclass
class Move:
    """One move. Times in ns since 1970; None: it did not happen."""
    origin: str
    target: str
    begun: int                # the host left its link
    updates: list = field(default_factory=list)
    acknowledged: int = None
    status: int = None
    restored: int = None      # first packet of the host in the tunnel to the new gateway
    gap: int = None
    lost: int = None
    end: int = None

    def since_begun(self, at):
        return at - self.begun if at else None

    def signalling(self):
        return self.acknowledged - self.updates[0] if self.acknowledged and self.updates else None

    def figures(self):
        return {"seen_ms": ms(self.since_begun(self.updates[0] if self.updates else None)),
                "signalling_ms": ms(self.signalling()),
                "path_back_ms": ms(self.since_begun(self.restored)),
                "interruption_ms": ms(self.gap), "lost": self.lost}

    def as_json(self):
        return {"from": f"mag{self.origin}", "to": f"mag{self.target}", **self.figures(),
                "status": self.status, "updates": len(self.updates)}


def complete(move, packets, address):
    """Fills in what the packets at the anchor since the move say."""
    move.updates, sequences = [], set()
    move.acknowledged = move.restored = move.status = None
    for packet in packets:
        if packet.at < move.begun:
            continue
        if (packet.kind == "update" and PLACE.get(packet.source) == move.target and packet.lifetime
                and move.acknowledged is None):
            move.updates.append(packet.at)
            sequences.add(packet.sequence)
        elif (packet.kind == "acknowledgement" and PLACE.get(packet.destination) == move.target
                and packet.sequence in sequences and packet.status == 0 and move.acknowledged is None):
            move.acknowledged, move.status = packet.at, packet.status
        elif (move.restored is None and is_downlink(packet, address)
                and PLACE.get(packet.destination) == move.target):
            move.restored = packet.at


class Moves:
    """The first half of a run, and what came of it."""

    def __init__(self, lab, build, count):
        self.lab, self.build, self.count = lab, build, count
        self.moves, self.problems, self.places = [], [], []
        self.outcome = {"bytes": 0, "intact": False}
        self.raised = time.time_ns()
        self.begin = self.end = self.address = None

    def say(self, words_, at=None):
        print(f"{((at or time.time_ns()) - self.raised) / SECOND:8.3f} s  {words_}", flush=True)

    def set_up(self):
        ledger.reserve_hugepages(self.lab.ledger, HUGEPAGES)
        self.lab.build(tuned=False)
        self.anchor, self.gateways = self.parts()
        for part in (self.anchor, *self.gateways.values()):
            part.start()
        self.say("the anchor and three access gateways serve")
        self.lab.plug("1")
        self.address = wait_for(lambda: global_address(self.lab.mn), "the host to have an address",
                                pause=0.1)
        wait_for(lambda: self.settled("1") and self.reachable(), "the host to be reachable", pause=0.1)
        self.say(f"the host is on link 1 and has made itself the address {self.address}")

    def parts(self):
        """The anchor, and the gateways by link."""
        return Anchor(self.lab, self.build), {link: AccessGateway(self.lab, self.build, link) for link in LINKS}

    def reachable(self):
        return " 1 received" in self.lab.cn.run("ping", "-c", "1", "-W", "1", self.address, check=False)

    def settled(self, link):
        """Whether the anchor has the host's session at this gateway."""
        return any(session["state"] == "live" and session["gateway"] == f"mag{link}"
                   for session in self.anchor.sessions("--mn-id", MN_ID[1]))

    def play(self):
        self.set_up()
        # What goes to and comes from the anchor, in tunnels and bare.
        self.capture = Capture(self.lab.core, "lma", "anchor", "ip6", OCTETS)
        self.pinging = Pinging(self.lab, self.address)
        self.pinging.start()
        self.download = self.pinging.download(BYTES_PER_SECOND)
        self.begin = time.time_ns()
        self.places.append(["1", self.begin, self.begin])
        self.say("ping and download go on")
        self.stay(self.begin)
        links = itertools.cycle(LINKS[1:] + LINKS[:1])
        for target in itertools.islice(links, self.count):
            self.make(target)
        self.finish()

    def stay(self, since):
        wait_for(lambda: time.time_ns() - since > STAY * SECOND, "some time to pass")

    def make(self, target):
        """Moves the host and measures."""
        mark, octets = self.capture.size(), self.download.octets()
        self.mark = mark
        move = Move(self.lab.place, target, time.time_ns())
        self.moves.append(move)
        self.lab.plug(target)
        self.places[-1][2] = move.begun
        self.places.append([target, move.begun, move.begun])
        self.say(f"the host moves from link {move.origin} to link {target}", move.begun)

        def completed():
            complete(move, packets_of(self.capture, mark), self.address)
            return move.acknowledged and move.restored

        # Looking costs processor time that the programs need just now.
        time.sleep(0.3)
        try:
            wait_for(completed, "the move to complete", pause=0.1)
            wait_for(lambda: self.settled(target), f"the session to be at mag{target}", pause=0.1)
            self.pinging.goes_on("the ping to go on after the move")
            wait_for(lambda: self.download.octets() > octets + BYTES_PER_SECOND // 5,
                     "the download to go on after the move")
            self.stay(move.begun)
        finally:
            move.end = time.time_ns()
        loss = self.pinging.loss(move.begun)
        move.lost, move.gap = loss.lost, loss.gap
        self.judge_host(move)
        figures = move.figures()
        self.say(f"  = interruption {figures['interruption_ms']:.1f} ms, {move.lost} lost, "
                 f"signalling {figures['signalling_ms']:.1f} ms")

    def judge_host(self, move):
        """It has the address that it had, no other, and the same router."""
        name = f"mag{move.origin} to mag{move.target}"
        have = {address for address in self.lab.mn.addresses("wlan0") if not address.startswith("fe80")}
        if have != {self.address}:
            self.problems.append(f"{name}: the host has {sorted(have)} and not {self.address} alone")
        routers = [route.get("gateway")
                   for route in self.lab.mn.ip_json("-6", "route", "show", "default")]
        if routers != [ROUTER]:
            self.problems.append(f"{name}: the routers of the host are {routers} and not {ROUTER} alone")

    def finish(self):
        try:
            self.outcome = self.download.finish()
        except LabError as error:
            self.problems.append(str(error))
        if not self.outcome["intact"]:
            self.problems.append("the download did not arrive whole")
        self.places[-1][2] = self.end = time.time_ns()
        last = max(self.pinging.pings().heard)
        self.pinging.close()
        try:
            wait_for(lambda: any(packet.ping == last for packet in packets_of(self.capture, self.mark)),
                     "the capture to have what the host has heard", 10, pause=0.2)
        except LabError as error:
            self.problems.append(str(error))
        self.capture.stop()
        self.packets = packets_of(self.capture)
        self.judge_paths()

    def judge_paths(self):
        """Once a move is over, what comes for the host goes to its new gateway and nowhere else."""
        pings = self.pinging.pings()
        by = {packet.ping: PLACE.get(packet.destination) for packet in self.packets
              if packet.ping is not None and is_downlink(packet, self.address)}
        for move in self.moves:
            settled = [number for number in pings.sent_within(
                (move.acknowledged or move.end) + 100 * MILLISECOND, move.end - 200 * MILLISECOND)
                if number in pings.heard]
            astray = [number for number in settled if by.get(number) != move.target]
            if not settled or astray:
                self.problems.append(f"mag{move.origin} to mag{move.target}: {len(astray)} of "
                                     f"{len(settled)} pings did not come by mag{move.target}")

    def ok(self):
        return (not self.problems and self.outcome["intact"] and len(self.moves) == self.count
                and all(move.gap is not None and move.restored for move in self.moves))

    def summary(self):
        """Median, 95th percentile and worst of each figure."""
        rows = [move.figures() for move in self.moves]
        every = {key: [row[key] for row in rows if row[key] is not None] for key in rows[0]} if rows else {}
        return {key: {"median": round(statistics.median(values), 3),
                      "p95": sorted(values)[math.ceil(0.95 * len(values)) - 1], "worst": max(values)}
                for key, values in every.items() if values}

    def as_json(self):
        return {"ok": self.ok(), "address": self.address, "moves": [move.as_json() for move in self.moves],
                "summary": self.summary(), "tcp": self.outcome, "problems": self.problems}

    def rows(self):
        yield "      move                seen  signalling   path back  interruption  lost"
        for move in self.moves:
            row = move.figures()
            yield (f"      mag{move.origin} -> mag{move.target} " + " ".join(
                f"{row[key] or 0:{width}.1f} ms" for key, width in (
                    ("seen_ms", 9), ("signalling_ms", 8), ("path_back_ms", 8), ("interruption_ms", 10)))
                + f" {move.lost if move.lost is not None else '-':>5}")
        yield f"      address of the host throughout: {self.address}"
        yield (f"      download: {self.outcome['bytes']} octets, "
               + ("intact" if self.outcome["intact"] else "DAMAGED"))


class Pmip(Moves):
    """Both halves; for the second one the gateway of link 1 has a second link to the anchor."""

    def __init__(self, lab, build, count):
        super().__init__(lab, build, count)
        self.paths = pmip_paths.Paths(lab, self.say)

    def parts(self):
        anchor, first = pmip_paths.parts(self.lab, self.build)
        return anchor, {pmip_paths.LINK: first} | {link: AccessGateway(self.lab, self.build, link)
                                                   for link in LINKS if link != pmip_paths.LINK}

    def play(self):
        super().play()
        self.paths.play(self.anchor, self.gateways[pmip_paths.LINK], self.address)
        self.problems += self.paths.problems

    def ok(self):
        return super().ok() and self.paths.ok()

    def as_json(self):
        return super().as_json() | {"paths": self.paths.as_json()}

    def picture(self):
        return pmip_picture.draw(self)

    def table(self, picture):
        return "\n".join(["", *self.rows(), "", *self.paths.rows(),
                          f"      picture:  {picture} and {picture.with_suffix('.png')}"])

    def doors(self):
        return words.doors(self.lab, self.build, self.lab.lma, name=LABEL)


def arguments():
    parser = show.parser("tools/demo pmip", f"{__doc__}\n{pmip_paths.__doc__}")
    parser.add_argument("--moves", type=int, default=3, metavar="N", help="how many moves (3)")
    args = parser.parse_args()
    if args.moves < 1:
        parser.error("--moves: at least 1")
    return args


def main():
    args = arguments()
    return show.perform(LABEL, args, PathsLab, lambda lab, build: Pmip(lab, build, args.moves))
