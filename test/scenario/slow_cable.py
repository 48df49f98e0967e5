"""A cable that frames need a while for: the kernel of the laboratory cannot delay them itself."""

import collections
import socket
import struct
import threading
import time

from lab.node import veth


SO_TIMESTAMPNS, TIMESPEC = 35, struct.Struct("=qq")


class SlowCable:
    """Between an interface of a node and one of another, by a node of its own. 'delay' is in seconds,
    each way, and may be changed; no frame overtakes another. 'late': how much longer one has taken at
    most, since that was set to 0: as any program it may have to wait for a processor."""

    def __init__(self, lab, name, first, first_interface, second, second_interface):
        self.delay = self.late = 0.0
        middle = lab.node(name)
        middle.sysctl({"net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1})
        veth(first, first_interface, middle, "first")
        veth(middle, "second", second, second_interface)
        self.sockets = [middle.packet_socket(interface) for interface in ("first", "second")]
        for end in self.sockets:
            end.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        for here, there in (self.sockets, self.sockets[::-1]):
            waiting, came = collections.deque(), threading.Condition()
            threading.Thread(target=self._take, args=(here, waiting, came), daemon=True).start()
            threading.Thread(target=self._give, args=(there, waiting, came), daemon=True).start()

    def close(self):
        for end in self.sockets:
            end.close()

    def _take(self, end, waiting, came):
        while True:
            try:
                frame, told, _, (_, _, kind, _, _) = end.recvmsg(65536, 64)
            except OSError:
                return
            if kind == socket.PACKET_OUTGOING:
                continue
            (_, _, data), = told
            seconds, nanoseconds = TIMESPEC.unpack(data)
            with came:
                waiting.append((seconds + nanoseconds / 1e9 + self.delay, frame))
                came.notify()

    def _give(self, end, waiting, came):
        while True:
            with came:
                came.wait_for(lambda: waiting)
                due, frame = waiting.popleft()
            time.sleep(max(0, due - time.time()))
            self.late = max(self.late, time.time() - due)
            try:
                end.send(frame)
            except OSError:
                return
