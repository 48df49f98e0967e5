"""Numbered streams of datagrams: who sends them, and what a node hears of them."""

import socket
import struct
import threading
import time

from dataclasses import dataclass, field

from lab.system import wait_for

SECOND = 1_000_000_000
HEAD = struct.Struct("!8sQ")  # name of the stream, number
SO_TIMESTAMPNS, TIMESPEC = 35, struct.Struct("=qq")
SO_RCVBUFFORCE, JOIN_SOURCE = 33, 46
MADE_UP_FOR = 0.05  # seconds


@dataclass
class Stream:
    """So many datagrams of so many octets a second, to an address; source: only from it."""
    name: str
    address: str
    port: int
    rate: int
    octets: int
    source: str = None
    sent: dict = field(default_factory=dict)  # number: time in ns since 1970

    def head(self, number):
        return HEAD.pack(self.name.encode(), number)


class Sender:
    """Sends streams from an address of a node until it is stopped. What a longer pause of this program
    held back is not made up for: no network has room for that much at once."""

    def __init__(self, node, address, interface, streams):
        self.streams, self.ending = streams, threading.Event()
        index = node.ip_json("link", "show", "dev", interface)[0]["ifindex"]
        self.socket = node.socket(socket.AF_INET6, socket.SOCK_DGRAM, 0)
        self.socket.bind((address, 0))
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, struct.pack("=I", index))
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 16)
        self.threads = [threading.Thread(target=self._send, args=(stream,), daemon=True)
                        for stream in streams]
        for thread in self.threads:
            thread.start()

    def _send(self, stream):
        due, number = time.monotonic(), 0
        filler = bytes(stream.octets - HEAD.size)
        while not self.ending.is_set():
            due = max(due, time.monotonic() - MADE_UP_FOR)
            while due <= time.monotonic():
                stream.sent[number] = time.time_ns()
                self.socket.sendto(stream.head(number) + filler, (stream.address, stream.port))
                number, due = number + 1, due + 1 / stream.rate
            self.ending.wait(max(0.0, due - time.monotonic()))

    def stop(self):
        self.ending.set()
        for thread in self.threads:
            thread.join()
        self.socket.close()


class Ear:
    """A program on a node that listens to streams on an interface. heard: {stream's name: [(time in ns
    since 1970, number)]}, in the order of arrival."""

    def __init__(self, node, interface, streams):
        self.heard = {stream.name: [] for stream in streams}
        self.index = node.ip_json("link", "show", "dev", interface)[0]["ifindex"]
        self.sockets = [self._open(node, stream) for stream in streams]
        self.threads = [threading.Thread(target=self._listen, args=(one,), daemon=True)
                        for one in self.sockets]
        for thread in self.threads:
            thread.start()

    def _open(self, node, stream):
        made = node.socket(socket.AF_INET6, socket.SOCK_DGRAM, 0)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        # What comes while its reader has to wait for a processor.
        made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        made.settimeout(0.2)
        made.bind(("::", stream.port))
        group = socket.inet_pton(socket.AF_INET6, stream.address)
        if stream.source:
            def storage(address):
                return struct.pack("=HHI16sI100x", socket.AF_INET6, 0, 0, address, 0)

            made.setsockopt(socket.IPPROTO_IPV6, JOIN_SOURCE, struct.pack("=I4x", self.index)
                            + storage(group) + storage(socket.inet_pton(socket.AF_INET6, stream.source)))
        elif group[0] == 0xFF:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                            group + struct.pack("=I", self.index))
        return made

    def _listen(self, one):
        while True:
            try:
                octets, told, _, _ = one.recvmsg(2048, 64)
            except socket.timeout:
                continue
            except OSError:
                return
            at = next((seconds * SECOND + ns for level, kind, data in told
                       for seconds, ns in [TIMESPEC.unpack_from(data)]
                       if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS)), time.time_ns())
            name, number = HEAD.unpack_from(octets)
            self.heard[name.rstrip(b"\0").decode()].append((at, number))

    def goes_on(self, name, what):
        """Waits until another datagram of a stream comes."""
        since = len(self.heard[name])
        wait_for(lambda: len(self.heard[name]) > since, what)

    def close(self):
        for one in self.sockets:
            one.close()


@dataclass
class Loss:
    """What of a stream, of the datagrams sent in a time, a node heard."""
    sent: int
    received: int
    lost: int
    duplicated: int
    gap: int  # longest time without one, ns, less the time between two

    def as_json(self):
        return {"sent": self.sent, "received": self.received, "lost": self.lost,
                "duplicated": self.duplicated, "interruption_ms": round(self.gap / 1e6, 3)}


def loss(stream, heard, begin, end):
    numbers = {number for number, at in stream.sent.items() if begin <= at < end}
    arrivals = [(at, number) for at, number in heard if number in numbers]
    seen = {number for _, number in arrivals}
    times = sorted(at for at, _ in arrivals)
    gap = max((b - a for a, b in zip(times, times[1:])), default=end - begin)
    return Loss(len(numbers), len(seen), len(numbers - seen), len(arrivals) - len(seen),
                max(0, gap - SECOND // stream.rate))
