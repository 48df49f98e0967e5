"""Mobile nodes by the dozen that register, refresh, move and deregister at random, and a list of
what was acknowledged to them: whatever dies meanwhile, nothing of it may be missing afterwards, and
nothing may be there that nobody asked for."""

import time

import mip6
from lab.topology import HOME_AGENT, VISITED_PREFIX

LIFETIME = 100  # of four seconds: nothing expires meanwhile
PATIENCE = 1.5  # seconds until an update is sent again
ACCEPTED, NO_BINDING = 0, 133


class Node:
    """One mobile node. A state is None or (care-of address, sequence number)."""

    def __init__(self, number, values):
        self.number, self.values = number, values
        self.home = values["home_addresses"][0]
        self.key = bytes.fromhex(values["key"])
        self.state = None   # as last acknowledged
        self.tries = {}     # sequence number: state, of updates that were not answered
        self.wish = None    # link that it wants to be bound at, None: nowhere
        self.asking = False
        self.sent, self.sequence = 0.0, 0

    def allowed(self):
        """The states that its binding may be in."""
        return [self.state, *self.tries.values()]

    def answered(self, acknowledgement):
        state = self.tries.pop(acknowledgement.sequence, False)
        if state is False:
            return
        # A deregistration may have been carried out before it was answered.
        gone = state is None and acknowledgement.status == NO_BINDING
        if acknowledgement.status == ACCEPTED or gone:
            # What was asked before it can have no effect any more.
            self.state, self.tries, self.asking = state, {}, False
        else:
            self.sent = time.monotonic() - PATIENCE + 0.2


class Generator:
    """peers: {link: Peer}; each plays all nodes that are on its link."""

    def __init__(self, random, peers, subscribers):
        self.random, self.peers = random, peers
        self.nodes = [Node(number, values) for number, values in enumerate(subscribers)]
        self.by_home = {node.home: node for node in self.nodes}
        self.marks = {link: peer.ear.mark() for link, peer in peers.items()}
        self.places = {link: [f"{VISITED_PREFIX[link]}{0x1000 + node.number:x}" for node in self.nodes]
                       for link in peers}
        for link, peer in peers.items():
            peer.attach(link)
            peer.node.ip(*(f"address add {address}/64 dev wlan0 nodad" for address in self.places[link]))

    def ask(self, node):
        """Sends the update that its wish needs, from the link it wants or has."""
        link = node.wish or self.random.choice(list(self.peers))
        care_of = self.places[link][node.number]
        node.sequence = (node.sequence + 1) & 0xffff
        node.tries[node.sequence] = (care_of, node.sequence) if node.wish else None
        node.sent, node.asking = time.monotonic(), True
        self.peers[link].send(mip6.binding_update(
            node.home, care_of, HOME_AGENT, mn_id=node.values["mn_id"], spi=node.values["spi"],
            key=node.key, sequence=node.sequence, lifetime=LIFETIME if node.wish else 0))

    def _hear(self):
        for link, peer in self.peers.items():
            mark = peer.ear.mark()
            for octets in peer.ear.heard(lambda heard: mip6.mh_type(heard) == mip6.BA, self.marks[link]):
                answer = mip6.Acknowledgement(octets)
                node = self.by_home.get(answer.home or answer.destination)
                if node and answer.authentic(node.key, answer.destination, node.home):
                    node.answered(answer)
            self.marks[link] = mark

    def run(self, seconds, new=True):
        """Plays for a while; new: with new wishes, else it only asks again for the old ones."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and (new or self.asking()):
            self._hear()
            due = [node for node in self.nodes
                   if node.asking and time.monotonic() - node.sent > PATIENCE]
            if new:
                idle = [node for node in self.nodes if not node.asking]
                for node in self.random.sample(idle, min(4, len(idle))):
                    node.wish = self.random.choice([*self.peers, *self.peers, None])
                    due.append(node)
            for node in due:
                self.ask(node)
            time.sleep(0.01)
        self._hear()

    def asking(self):
        return sum(node.asking for node in self.nodes)

    def settled(self):
        """The nodes that are bound for certain."""
        return [node for node in self.nodes if node.state and not node.asking]

    def wrong(self, bindings):
        """What bindings (as dmmctl shows them) are not as they may be, in words."""
        found = {b["home_address"]: (b["care_of_address"], b["sequence"]) for b in bindings}
        problems = [f"{home} was never asked for" for home in found if home not in self.by_home]
        for node in self.nodes:
            if found.get(node.home) not in node.allowed():
                problems.append(f"{node.home} is {found.get(node.home)}, may be {node.allowed()}")
        return problems
