"""Packets of an interface into a pcap file, and reading such files."""

import struct

from lab.system import wait_for

PCAP_NANOSECONDS = 0xA1B23C4D
NANOSECONDS = 1_000_000_000
KIB = 16384  # of packets that tcpdump, which may have to wait for a processor, has not yet read


class Capture:
    """tcpdump on an interface of a node; the file can be read while it grows. octets: how much of
    each packet is kept; 0 is all."""

    def __init__(self, node, interface, name, expression="", octets=0):
        self.path = node.directory / f"{name}.pcap"
        self.process = node.start(
            f"tcpdump-{name}", "tcpdump", "-i", interface, "-w", self.path, "-U", "-n",
            "--immediate-mode", "--nano", "-Z", "root", "-s", str(octets), "-B", KIB, *expression.split())
        wait_for(lambda: self.process.require() or "listening on" in self.process.output(),
                 f"tcpdump on {interface}")

    def stop(self):
        if self.process.running():
            self.process.stop()
        return self.path

    def size(self):
        """How far it has got, for packets()."""
        return self.path.stat().st_size

    def packets(self, since=0):
        """What is there so far, as (time in ns since 1970, frame); since: an earlier size()."""
        return list(read(self.path, since))


    def since(self, position):
        """The same, each with the position behind it."""
        return positions(self.path, position)


def read(path, since=0):
    """The complete packets of a pcap file with nanosecond times, as (time in ns, frame)."""
    return ((at, frame) for at, frame, _ in positions(path, since))


def positions(path, since=0):
    """Those of read(), each with the position behind it, from where the file can be read on."""
    with open(path, "rb") as file:
        header = file.read(24)
        if len(header) < 24 or struct.unpack_from("<I", header)[0] != PCAP_NANOSECONDS:
            return
        file.seek(max(since, len(header)))
        while True:
            record = file.read(16)
            if len(record) < 16:
                return
            seconds, nanoseconds, length, _ = struct.unpack("<IIII", record)
            frame = file.read(length)
            if len(frame) < length:
                return
            yield seconds * NANOSECONDS + nanoseconds, frame, file.tell()
