"""A move of the mobile node from link to link: doing it, and what it cost."""

import ipaddress
import time

from dataclasses import dataclass, field

from lab import words
from lab.measure import MILLISECOND, ms
from lab.packets import AT_HOME, packets_of
from lab.stage import BYTES_PER_SECOND
from lab.system import LabError, wait_for
from lab.topology import HOME_ADDRESS, HOME_PREFIX, VISITED_PREFIX
from lab.two_planes import ADDRESS, NEAREST

PREFIX = {"home": HOME_PREFIX, "a": VISITED_PREFIX["a"] + "/64", "b": VISITED_PREFIX["b"] + "/64"}


@dataclass
class Move:
    """One move. Times in ns since 1970; None: it did not happen."""
    origin: str
    target: str
    unplugged: int
    usable: int = None        # the address of the new link may be used
    updates: list = field(default_factory=list)
    update_source: str = None  # where the first of them came from
    acknowledged: int = None
    status: int = None
    restored: int = None      # first downlink packet on the new path
    gap: int = None           # interruption as the ping saw it
    lost: int = None
    end: int = None
    data_plane: str = None    # serves after it; at home none does
    relayed: dict = field(default_factory=dict)  # data plane: packets, from unplugged to end

    def signalling(self):
        """First Binding Update to Binding Acknowledgement."""
        return self.acknowledged - self.updates[0] if self.acknowledged and self.updates else None

    def recovery(self):
        """Address of the new link usable to first downlink packet on the new path."""
        return max(0, self.restored - self.usable) if self.restored and self.usable else None

    def as_json(self):
        return {"from": self.origin, "to": self.target, "signalling_ms": ms(self.signalling()),
                "interruption_ms": ms(self.gap), "lost": self.lost,
                "recovery_ms": ms(self.recovery()), "updates": len(self.updates),
                "status": self.status, "data_plane": self.data_plane, "relayed": self.relayed}


def on_new_path(packet, target, prefix, home_address):
    """Whether a packet reached the mobile node the way it must after a move to 'target'."""
    if target == "home":
        return packet.kind == "other" and packet.destination == home_address
    return (packet.kind == "tunnel" and packet.inner == home_address
            and ipaddress.IPv6Address(packet.destination) in ipaddress.IPv6Network(prefix))


def complete(move, packets, prefix, home_address, usable_addresses):
    """Fills in what the captured packets and address announcements since the move say."""
    network = ipaddress.IPv6Network(prefix)
    for at, address in usable_addresses:
        if move.usable is None and at >= move.unplugged and ipaddress.IPv6Address(address) in network:
            move.usable = at
    sequences = set()
    for packet in packets:
        if packet.at < move.unplugged:
            continue
        if packet.kind == "update" and move.acknowledged is None:
            move.updates.append(packet.at)
            move.update_source = move.update_source or packet.source
            sequences.add(packet.sequence)
        elif (packet.kind == "acknowledgement" and packet.sequence in sequences
                and move.acknowledged is None):
            move.acknowledged, move.status = packet.at, packet.status
        elif move.restored is None and on_new_path(packet, move.target, prefix, home_address):
            move.restored = packet.at
    # Hearing of it takes us longer than the mobile node; what it sends from it, it may use.
    if move.usable and move.updates and ipaddress.IPv6Address(move.update_source) in network:
        move.usable = min(move.usable, move.updates[0])


def way(link, attracting):
    """Who must serve a node on a link, and who relays to it."""
    serving = NEAREST.get(link)
    return serving or AT_HOME, [attracting] if serving and serving != attracting else []


def judge(move, pings, paths, attracting):
    """What is wrong with a move, as a list of words."""
    name = f"{move.origin} to {move.target}"
    found = []
    if move.status != 0:
        found.append(f"{name}: status {move.status}")
    if move.recovery() is None:
        found.append(f"{name}: no packet on the new path was seen")
    if move.acknowledged is None or found:
        return found
    # Of those sent close to the move or to now, some are on their way.
    settled = [number for number in pings.sent_within(move.acknowledged + 100 * MILLISECOND,
                                                      move.end - 200 * MILLISECOND)
               if number in pings.heard]
    serving, relays = way(move.target, attracting)
    astray = paths.astray(settled, serving, relays)
    if not settled or astray:
        found.append(f"{name}: {len(astray)} of {len(settled)} pings did not come by {serving}"
                     + "".join(f" after {relay}" for relay in relays))
    return found


def make(stage, target):
    """Moves the mobile node and measures; returns the move and what was wrong with it."""
    mark, octets = stage.mark(), stage.download.octets()
    move = Move(stage.lab.place, target, time.time_ns())
    stage.enter(target, move.unplugged)
    stage.lab.plug(target)
    stage.say(f"moves from {words.LINK_NAMES[move.origin]} to {words.LINK_NAMES[target]}", move.unplugged)

    def completed():
        nonlocal move
        move = Move(move.origin, target, move.unplugged)
        complete(move, packets_of(stage.air, mark.air), PREFIX[target], HOME_ADDRESS,
                 list(stage.watch.seen))
        return move.acknowledged and move.restored

    found = []
    # Looking costs processor time that the programs need just now.
    time.sleep(0.3)
    try:
        wait_for(completed, "the move to complete", pause=0.1)
        wait_for(stage.settled, f"the binding to be right after the move to {target}", pause=0.1)
        stage.pinging.goes_on("the ping to go on after the move")
        wait_for(lambda: stage.download.octets() > octets + BYTES_PER_SECOND // 5,
                 "the download to go on after the move")
        stage.stay(move.unplugged)
        move.end = time.time_ns()
        loss = stage.pinging.loss(move.unplugged)
        move.lost, move.gap = loss.lost, loss.gap
    except LabError as error:
        found.append(str(error))
    move.end = move.end or time.time_ns()
    paths = stage.paths_until_now(mark, way(target, stage.lab.attracts)[1])
    if target != "home" and paths.tunnelled:
        move.data_plane = paths.tunnelled[-1][1]
    move.relayed = paths.relayed_within(move.unplugged, move.end, ADDRESS)
    stage.tell(move.unplugged, words.instants(move), words.move_caption(move))
    return move, found + judge(move, stage.pinging.pings(), paths, stage.lab.attracts)
