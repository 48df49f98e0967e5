"""When the addresses of a node become usable."""

import ipaddress
import socket
import struct
import threading
import time

RTM_NEWADDR, RTMGRP_IPV6_IFADDR, IFA_ADDRESS, IFA_FLAGS = 20, 0x100, 1, 8
IFA_F_OPTIMISTIC, IFA_F_TENTATIVE = 0x04, 0x40
SO_RCVBUFFORCE = 33


class AddressWatch:
    """Notes when addresses of a node become usable, as its kernel announces it."""

    def __init__(self, node):
        self.seen = []  # (time in ns, address)
        self.socket = node.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
        self.socket.bind((0, RTMGRP_IPV6_IFADDR))
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            data = self.socket.recv(65536)
            at = time.time_ns()
            while len(data) >= 16:
                length, kind = struct.unpack_from("=IH", data)
                if kind == RTM_NEWADDR:
                    self._address(at, data[16:length])
                data = data[(length + 3) & ~3:]

    def _address(self, at, message):
        address, flags = None, message[2]
        attributes = message[8:]
        while len(attributes) >= 4:
            length, kind = struct.unpack_from("=HH", attributes)
            if kind == IFA_ADDRESS:
                address = str(ipaddress.IPv6Address(attributes[4:20]))
            elif kind == IFA_FLAGS:
                flags = struct.unpack_from("=I", attributes, 4)[0]
            attributes = attributes[(length + 3) & ~3:]
        # An optimistic address may be used before duplicate address detection ends (RFC 4429).
        if address and (not flags & IFA_F_TENTATIVE or flags & IFA_F_OPTIMISTIC):
            self.seen.append((at, address))
