"""Where the demo happens: the network with two data planes, the programs, the ping and the download,
and what is known of them while it goes on."""

import time

from dataclasses import dataclass

from lab import ledger, programs
from lab.address_watch import AddressWatch
from lab.capture import Capture
from lab.flows import Pinging
from lab.packets import Paths, packets_of
from lab.system import LabError, wait_for
from lab.topology import HOME_ADDRESS, VISITED_PREFIX
from lab.two_planes import ADDRESS, TwoPlanes

BYTES_PER_SECOND = 1_000_000
HUGEPAGES = 240
STAY = 1.5  # seconds at each place, so that one can watch
# All of a mobility message; of a relayed packet, up to the number of a ping.
OCTETS_AT_NODE, OCTETS_BETWEEN = 512, 192


@dataclass
class Mark:
    """How far the captures had got."""
    air: int = 0
    between: int = 0


class Stage:
    def __init__(self, lab, build):
        self.lab, self.build = lab, build
        self.gateway = self.mobile = None
        self.pinging = Pinging(lab)
        self.raised = time.time_ns()
        self.begin = self.end = None  # of the traffic
        self.places = []  # where the mobile node was: link, begin, end
        self.lives = []   # (program, killed or started or ready, time)

    def say(self, words, at=None):
        print(f"{((at or time.time_ns()) - self.raised) / 1e9:8.3f} s  {words}", flush=True)

    def tell(self, since, instants, conclusion):
        """What happened after a time, with the milliseconds since then, and what came of it."""
        for at, words in sorted(instants):
            self.say(f"    +{(at - since) / 1e6:7.1f} ms  {words}", at)
        self.say("  = " + conclusion)

    def set_up(self):
        ledger.reserve_hugepages(self.lab.ledger, HUGEPAGES)
        self.lab.build()
        self.gateway = TwoPlanes(self.lab, self.build)
        self.say("the network is up: " + ", ".join(self.lab.nodes))
        self.gateway.start()
        self.gateway.import_subscribers()
        self.say("dmm-ctrl serves; dp1, near link A, and dp2, near link B, are synchronised")
        self.mobile = programs.MobileNode(self.lab.mn, self.build)
        self.watch = AddressWatch(self.lab.mn)
        self.lab.plug("home")
        self.mobile.start()
        wait_for(lambda: self.settled() and self.reachable(), "the mobile node to be at home", pause=0.1)
        self.say("the mobile node is at home: " + HOME_ADDRESS)

    def reachable(self):
        """Whether the home address answers."""
        return "1 received" in self.lab.cn.run("ping", "-c", "1", "-W", "1", HOME_ADDRESS, check=False)

    def start_traffic(self):
        self.air = Capture(self.lab.mn, "wlan0", "wlan0", "ip6", OCTETS_AT_NODE)
        self.between = Capture(self.lab.core, "gw2", "relayed",
                               "ip6 host {dp1} and ip6 host {dp2}".format(**ADDRESS), OCTETS_BETWEEN)
        self.pinging.start()
        self.download = self.pinging.download(BYTES_PER_SECOND)
        self.begin = time.time_ns()
        self.say("ping and download go on")
        self.enter("home", self.begin)
        self.stay(self.begin)

    def end_traffic(self):
        """Ends ping and download; returns the outcome of the download and what was wrong with it."""
        outcome, found = {"bytes": 0, "intact": False}, []
        try:
            outcome = self.download.finish()
        except LabError as error:
            found.append(str(error))
        if not outcome["intact"]:
            found.append("the download did not arrive whole")
        self.places[-1]["end"] = self.end = time.time_ns()
        self.pinging.close()
        self.air.stop()
        self.between.stop()
        return outcome, found

    def enter(self, link, at):
        if self.places:
            self.places[-1]["end"] = at
        self.places.append({"link": link, "begin": at, "end": at})

    def stay(self, since):
        """Until the mobile node has been here for a while."""
        wait_for(lambda: time.time_ns() - since > STAY * 1e9, "some time to pass")

    def settled(self):
        """Whether the mobile node, and the gateway's bindings, are as the link wants them."""
        status = self.mobile.status()
        binding = self.gateway.control.binding(HOME_ADDRESS)
        if not status:
            return False
        if self.lab.place == "home":
            return status["state"] == "home" and binding is None
        return (binding is not None and binding["state"] == "active"
                and binding["care_of_address"].startswith(VISITED_PREFIX[self.lab.place][:-1])
                and status["state"] == "registered")

    def served_by(self, plane):
        """Whether that data plane serves the mobile node, and the node knows it."""
        status, binding = self.mobile.status(), self.gateway.control.binding(HOME_ADDRESS)
        return (status is not None and status["state"] == "registered"
                and status["tunnel_address"] == ADDRESS[plane]
                and binding is not None and binding["data_plane"] == plane)

    def mark(self):
        return Mark(self.air.size(), self.between.size())

    def paths(self, since=Mark()):
        """Which way packets for the mobile node took since a mark."""
        return Paths.seen(packets_of(self.air, since.air), packets_of(self.between, since.between),
                          HOME_ADDRESS, {address: plane for plane, address in ADDRESS.items()})

    def paths_until_now(self, since, relays):
        """The same, once the captures, which may be behind, have what the node has heard; relays: whether
        it should have been relayed."""
        last = max(self.pinging.pings().heard)

        def caught_up():
            paths = self.paths(since)
            return last in paths.serving and (not relays or last in paths.relays) and paths
        try:
            return wait_for(caught_up, "the captures", 10, pause=0.1)
        except LabError:  # that says what is wrong
            return self.paths(since)
