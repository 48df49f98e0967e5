"""A cable that frames need a while for: the kernel of the laboratory cannot delay them itself."""

import collections
import socket
import threading
import time

from lab.node import veth


class SlowCable:
    """Between an interface of a node and one of another, by a node of its own. 'delay' is in seconds,
    each way, and may be changed; no frame overtakes another."""

    def __init__(self, lab, name, first, first_interface, second, second_interface):
        self.delay = 0.0
        middle = lab.node(name)
        middle.sysctl({"net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1})
        veth(first, first_interface, middle, "first")
        veth(middle, "second", second, second_interface)
        self.sockets = [middle.packet_socket(interface) for interface in ("first", "second")]
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
                frame, (_, _, kind, _, _) = end.recvfrom(65536)
            except OSError:
                return
            if kind == socket.PACKET_OUTGOING:
                continue
            with came:
                waiting.append((time.monotonic() + self.delay, frame))
                came.notify()

    @staticmethod
    def _give(end, waiting, came):
        while True:
            with came:
                came.wait_for(lambda: waiting)
                due, frame = waiting.popleft()
            time.sleep(max(0, due - time.monotonic()))
            try:
                end.send(frame)
            except OSError:
                return
