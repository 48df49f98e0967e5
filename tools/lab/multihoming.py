"""The demo of several care-of addresses: a mobile node is on link A by Wi-Fi and on link B by LTE at the
same time, each link with a data plane nearby. Two checksummed downloads go on, which its policy wants
on different interfaces: "video" by Wi-Fi, "files" by LTE, each by the other when its own is gone. Then
Wi-Fi is cut: its download moves to LTE. It comes back: the download returns. All by the real programs:
dmm-mn registers both care-of addresses and both flows in one Binding Update (RFC 5648, RFC 6089).

For the cut and the return it shows
  signalling    first Binding Update on the wire to its Binding Acknowledgement
  moved         link cut, or back, to the first packet of the download on its new interface
  interruption  longest time around it without a packet of the download
"""

import struct
import time

from dataclasses import dataclass

from lab import ledger, multihoming_picture, packets, programs, show, turns, words
from lab.capture import Capture
from lab.flows import Download
from lab.measure import ms
from lab.system import wait_for
from lab.topology import HOME_ADDRESS
from lab.turns import SECOND
from lab.two_planes import TwoPlaneLab, TwoPlanes

LABEL = "multihoming"
HUGEPAGES = 240
BYTES_PER_SECOND = 500_000
STAY = 2.0  # seconds of each part
TCP, OCTETS = 6, 160
INTERFACES = {"wlan0": "Wi-Fi", "lte0": "LTE"}  # in the order of the configuration: BID 1 and 2

CONFIG = (('interfaces = ["wlan0"]', 'interfaces = ["wlan0", "lte0"]'),
          ('multihoming = "off";', """multihoming = "bulk";
flows = (
	{ id = 1; protocol = 6; remote_port = 8001; interfaces = ["wlan0", "lte0"]; },
	{ id = 2; protocol = 6; remote_port = 8002; interfaces = ["lte0", "wlan0"]; }
);"""))


@dataclass
class Flow(turns.Flow):
    """A download and the interface that the policy wants it on."""
    fid: int = None


@dataclass
class Turn(turns.Turn):
    """Wi-Fi is cut, or is back; the video is to come by this interface."""
    signalling: int = None

    def as_json(self):
        return {"signalling_ms": ms(self.signalling), **super().as_json()}


def arrivals_of(capture):
    """(time, port of the sender, octets) of the packets of downloads in a capture."""
    for at, frame in capture.packets():
        if len(frame) < 54 or frame[12:14] != b"\x86\xdd":
            continue
        kind, rest = packets.upper(frame[14:])
        if kind != packets.IN_IPV6 or len(rest) < 60 or packets.text(rest[24:40]) != HOME_ADDRESS:
            continue
        length = struct.unpack_from("!H", rest, 4)[0]
        kind, rest = packets.upper(rest)
        if kind == TCP and len(rest) >= 20:
            yield at, struct.unpack_from("!H", rest)[0], length


class Multihoming:
    def __init__(self, lab, build):
        self.lab, self.build = lab, build
        self.flows = [Flow("video", 8001, "wlan0", fid=1), Flow("files", 8002, "lte0", fid=2)]
        self.turns, self.problems = [], []
        self.raised = time.time_ns()
        self.begin = self.end = self.mobile = None

    def say(self, words):
        print(f"{(time.time_ns() - self.raised) / SECOND:8.3f} s  {words}", flush=True)

    def set_up(self):
        ledger.reserve_hugepages(self.lab.ledger, HUGEPAGES)
        self.lab.build()
        self.lab.radio("mn", "lte0", "mn-lte")
        self.gateway = TwoPlanes(self.lab, self.build)
        self.gateway.start()
        self.gateway.import_subscribers()
        self.say("dmm-ctrl serves; dp1, near link A, and dp2, near link B, are synchronised")
        self.lab.plug("a")
        self.lab.plug("b", "mn-lte")
        self.mobile = programs.MobileNode(self.lab.mn, self.build)
        self.mobile.reconfigure(*CONFIG)
        self.mobile.start()
        wait_for(lambda: self.bound({1: "dp1", 2: "dp2"}), "both interfaces to be registered", pause=0.1)
        self.say("Wi-Fi is bound at dp1, LTE at dp2")

    def bound(self, wanted):
        """Whether these BIDs are bound at these data planes, and the flows accepted."""
        bindings = {b["bid"]: b["data_plane"] for b in self.gateway.control.bindings()
                    if b["home_address"] == HOME_ADDRESS}
        status = self.mobile.status()
        return (bindings == wanted and status is not None and status["binding"]["state"] == "bound"
                and all(flow["status"] == 0 for flow in status["flows"]))

    def play(self):
        self.set_up()
        self.captures = {interface: Capture(self.lab.mn, interface, interface, "ip6", OCTETS)
                         for interface in INTERFACES}
        for flow in self.flows:
            flow.download = Download(self.lab, BYTES_PER_SECOND, flow.port)
        self.begin = time.time_ns()
        self.say("two downloads go on: video by Wi-Fi, files by LTE")
        turns.stay(STAY)
        self.turn("cut", None, "lte0", {2: "dp2"})
        turns.stay(STAY)
        self.turn("back", "a", "wlan0", {1: "dp1", 2: "dp2"})
        turns.stay(STAY)
        self.problems += turns.finish(self.flows)
        self.end = time.time_ns()
        for capture in self.captures.values():
            capture.stop()
        self.measure()

    def turn(self, kind, link, interface, wanted):
        turn = Turn(kind, time.time_ns(), interface)
        self.turns.append(turn)
        self.lab.plug(link)
        wait_for(lambda: self.bound(wanted), f"the bindings after Wi-Fi is {kind}")
        wait_for(lambda: any(at > turn.at and port == 8001 for at, port, _ in
                             arrivals_of(self.captures[interface])),
                 f"the video by {INTERFACES[interface]}")
        turn.settled = time.time_ns()
        self.say(f"Wi-Fi is {kind}: the video comes by {INTERFACES[interface]}")

    def measure(self):
        self.arrivals = sorted((at, port, octets, interface)
                               for interface, capture in self.captures.items()
                               for at, port, octets in arrivals_of(capture))
        self.signals = sorted((packet.at, packet.kind, packet.sequence)
                              for capture in self.captures.values()
                              for packet in packets.packets_of(capture)
                              if packet.kind in ("update", "acknowledgement"))
        for turn in self.turns:
            self.measure_turn(turn)
        for flow in self.flows:
            self.judge_paths(flow)

    def measure_turn(self, turn):
        until = turn.settled + SECOND
        later = [signal for signal in self.signals if turn.at <= signal[0] < until]
        update = next((at for at, kind, _ in later if kind == "update"), None)
        answer = next((at for at, kind, _ in later if kind == "acknowledgement"), None)
        if update and answer:
            turn.signalling = answer - update
        video = [(at, interface) for at, port, _, interface in self.arrivals if port == 8001]
        turn.measure([at for at, interface in video if interface == turn.way], [at for at, _ in video], until)

    def judge_paths(self, flow):
        """Away from the turns, a download is where the policy wants it, and nowhere else."""
        cut, back = self.turns
        on_its_way = SECOND
        for begin, end, wanted in ((self.begin, cut.at, flow.way),
                                   (cut.settled + on_its_way, back.at, "lte0"),
                                   (back.settled + on_its_way, self.end, flow.way)):
            seen = {interface for at, port, octets, interface in self.arrivals
                    if port == flow.port and begin <= at < end}
            if seen != {wanted}:
                self.problems.append(f"{flow.name} came by {sorted(seen)}, not by {wanted} alone")

    def ok(self):
        return (not self.problems and len(self.turns) == 2
                and all(flow.intact() for flow in self.flows)
                and all(turn.moved is not None for turn in self.turns))

    def as_json(self):
        return {"ok": self.ok(),
                "flows": [{"name": flow.name, "fid": flow.fid, "interface": flow.way, **flow.outcome}
                          for flow in self.flows],
                **{turn.kind: turn.as_json() for turn in self.turns}, "problems": self.problems}

    def picture(self):
        return multihoming_picture.draw(self, INTERFACES)

    def table(self, picture):
        lines = ["", "      Wi-Fi is   signalling       moved  interruption"]
        for turn in self.turns:
            lines.append(f"      {turn.kind:8} {ms(turn.signalling) or 0:9.1f} ms {ms(turn.moved) or 0:8.1f} ms "
                         f"{ms(turn.interruption) or 0:9.1f} ms")
        lines += [flow.row() for flow in self.flows]
        return "\n".join([*lines, f"      picture: {picture.with_suffix('.png')}"])

    def doors(self):
        return words.doors(self.lab, self.build, self.lab.ctrl, self.mobile, LABEL)


def main():
    return show.perform(LABEL, show.parser("tools/demo multihoming", __doc__).parse_args(), TwoPlaneLab, Multihoming)
