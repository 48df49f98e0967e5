"""Mobile nodes by the thousand that register, refresh, move and deregister at random, and a list of
what was acknowledged to them: whatever dies meanwhile, nothing of it may be missing afterwards, and
nothing may be there that nobody asked for."""

import time

import crowd
from lab.topology import ACCESS_ROUTERS, HOME_AGENT, VISITED_PREFIX

LIFETIME = 9000  # of four seconds: nothing expires meanwhile
PATIENCE = 1.5  # seconds until an update is sent again
AGAIN = 0.2     # and after a refusal
WINDOW = 96     # nodes that wait for an answer at the same time
ACCEPTED, NO_BINDING = 0, 133


class Node:
    """One mobile node. A state is None or (care-of address, sequence number)."""

    def __init__(self, number, values):
        self.number = number
        self.home = values["home_addresses"][0]
        self.member = crowd.Member(values["mn_id"], self.home, HOME_AGENT, values["spi"],
                                   bytes.fromhex(values["key"]))
        self.state = None   # as last acknowledged
        self.tries = {}     # sequence number: state, of updates that were not answered
        self.wish = None    # link that it wants to be bound at, None: nowhere
        self.due, self.sequence = 0.0, 0

    def allowed(self):
        """The states that its binding may be in."""
        return [self.state, *self.tries.values()]

    def answered(self, status, sequence):
        """Takes an answer; returns whether the node has what it wants."""
        if sequence not in self.tries:
            return False
        state = self.tries[sequence]
        # A deregistration may have been carried out before it was answered.
        if status != ACCEPTED and not (state is None and status == NO_BINDING):
            del self.tries[sequence]
            self.due = time.monotonic() + AGAIN
            return False
        # What was asked before can have no effect any more; what was asked since, still can.
        self.tries = {number: tried for number, tried in self.tries.items()
                      if 0 < (number - sequence) & 0xffff < 0x8000}
        self.state = state
        return True


class Generator:
    """peers: {link: Peer}; each plays all nodes that are on its link."""

    def __init__(self, random, peers, subscribers):
        self.random, self.peers = random, peers
        self.nodes = [Node(number, values) for number, values in enumerate(subscribers)]
        self.by_home = {node.member.home: node for node in self.nodes}
        self.idle, self.asking = list(self.nodes), {}
        self.marks = {link: peer.ear.mark() for link, peer in peers.items()}
        self.answers = 0
        for link, peer in peers.items():
            peer.attach(link)
            # One next hop for all: a router need not resolve thousands of neighbours.
            router = peer.lab.node(ACCESS_ROUTERS[link])
            router.ip(f"route replace {self.place(link, 0)}/112 via {peer.care_of}")

    @staticmethod
    def place(link, number):
        """The care-of address of a node on a link."""
        return f"{VISITED_PREFIX[link]}1:{number:x}"

    def _ask(self, node):
        """Sends the update that its wish needs, from the link it wants or any."""
        link = node.wish or self.random.choice(list(self.peers))
        care_of = self.place(link, node.number)
        node.sequence = (node.sequence + 1) & 0xffff
        node.tries[node.sequence] = (care_of, node.sequence) if node.wish else None
        node.due = time.monotonic() + PATIENCE
        self.asking[node.number] = node
        self.peers[link].send(node.member.update(crowd.pack(care_of), node.sequence,
                                                 LIFETIME if node.wish else 0))

    def _hear(self):
        for link, peer in self.peers.items():
            heard = peer.ear.heard(lambda octets: True, self.marks[link])
            self.marks[link] += len(heard)
            for answer in filter(None, map(crowd.acknowledgement, heard)):
                self._take(*answer)

    def _take(self, home, status, sequence, care_of, message):
        node = self.by_home.get(home)
        if not node or not node.member.authentic(care_of, message):
            return
        if node.answered(status, sequence) and self.asking.pop(node.number, None):
            self.answers += 1
            self.idle.append(node)

    def _begin(self, wish):
        """Takes nodes that ask for nothing, as many as may; wish() is what each wants now."""
        for _ in range(min(len(self.idle), WINDOW - len(self.asking))):
            at = self.random.randrange(len(self.idle))
            self.idle[at], self.idle[-1] = self.idle[-1], self.idle[at]
            node = self.idle.pop()
            node.wish = wish()
            self._ask(node)

    def _round(self):
        self._hear()
        now = time.monotonic()
        for node in [node for node in self.asking.values() if node.due <= now]:
            self._ask(node)
        time.sleep(0.005)

    def run(self, seconds):
        """Plays for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._begin(lambda: self.random.choice([*self.peers, *self.peers, None]))
            self._round()
        self._hear()

    def finish(self, limit=60):
        """Plays until all have got what they asked for, without new wishes; returns whether they have."""
        end = time.monotonic() + limit
        while self.asking and time.monotonic() < end:
            self._round()
        return not self.asking

    def leave(self):
        """All that are bound deregister; returns whether they could."""
        while self.finish():
            self.idle = [node for node in self.nodes if node.state]
            if not self.idle:
                return True
            self._begin(lambda: None)
        return False

    def settled(self):
        """The nodes that are bound for certain."""
        return [node for node in self.nodes if node.state and node.number not in self.asking]

    def wrong(self, bindings):
        """What bindings (as dmmctl shows them) are not as they may be, in words."""
        found = {b["home_address"]: (b["care_of_address"], b["sequence"]) for b in bindings}
        known = {node.home for node in self.nodes}
        problems = [f"{home} was never asked for" for home in found if home not in known]
        for node in self.nodes:
            if found.get(node.home) not in node.allowed():
                problems.append(f"{node.home} is {found.get(node.home)}, may be {node.allowed()}")
        return problems
