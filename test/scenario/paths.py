"""What tests of a gateway with two links to its anchor have in common (lab.proxy_paths)."""

import contextlib
import ipaddress
import socket
import threading
import time

from lab.proxy_paths import CABLES
from lab.system import wait_for
from lab.topology import CN
from peer import Ear

SOURCE_PORT = 4000


def send_up(lab, address, ports):
    """The host sends a packet to each port of the correspondent, always from the same port, so that
    each is of the same flow every time."""
    with lab.mn.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
        sender.bind((address, SOURCE_PORT))
        for port in ports:
            sender.sendto(b"up%08d" % port, (CN, port))


@contextlib.contextmanager
def sending_up(lab, address, ports):
    """The host does so again and again, meanwhile."""
    over = threading.Event()

    def send():
        while not over.wait(0.05):
            send_up(lab, address, ports)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        over.set()
        sender.join()


def heard_from_tunnel(ear, mark, payload, care_of):
    outer = ipaddress.ip_address(care_of).packed
    return [heard for heard in ear.heard(lambda heard: heard[6] == 41 and heard.endswith(payload),
                                         mark) if heard[8:24] == outer]


class Cables:
    """What core hears on each cable of the gateway."""

    def __init__(self, lab):
        self.lab = lab
        self.ears = {care_of: Ear(lab.core, cable) for care_of, cable in CABLES.items()}

    def ways_up(self, address, ports, patience=None):
        """By which links packets of the host to each of the ports go. With patience, in seconds,
        some need not arrive."""
        marks = {care_of: ear.mark() for care_of, ear in self.ears.items()}
        send_up(self.lab, address, ports)

        def found():
            return {port: care_of for port in ports for care_of, ear in self.ears.items()
                    if heard_from_tunnel(ear, marks[care_of], b"up%08d" % port, care_of)}

        if patience is None:
            return wait_for(lambda: len(found()) == len(ports) and found(), "the packets of the host")
        end = time.monotonic() + patience
        while len(found()) < len(ports) and time.monotonic() < end:
            time.sleep(0.05)
        return found()

    def renew(self, care_of):
        """Another ear for a cable: an interface that goes down ends what listens to it."""
        self.ears[care_of].close()
        self.ears[care_of] = Ear(self.lab.core, CABLES[care_of])

    def close(self):
        for ear in self.ears.values():
            ear.close()
