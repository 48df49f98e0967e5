"""Binding Updates and their answers in octets, for nodes by the thousand: scapy takes milliseconds
for each of them."""

import hashlib
import hmac
import socket
import struct

import mip6

HEAD = struct.Struct("!IHBB16s16s")
UPDATE = struct.Struct("!BBBBHHHH")
FLAGS = 0xc000  # acknowledge, home registration
DESTINATION_OPTIONS, HOME_ADDRESS_OPTION, MN_ID, NAI, TIMESTAMP = 60, 201, 8, 1, 10
MH_FIXED = 12
ROUTING_TYPE_2 = bytes([mip6.MH, 2, 2, 1])


def pack(text):
    return socket.inet_pton(socket.AF_INET6, text)


def checksum(octets):
    """The internet checksum of an even number of octets."""
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def padding(length):
    return b"" if length == 0 else b"\0" if length == 1 else bytes([1, length - 2]) + bytes(length - 2)


def ipv6(source, destination, kind, payload):
    return HEAD.pack(0x60000000, len(payload), kind, 64, source, destination) + payload


def udp(source, destination, payload):
    """A UDP packet to the discard port; addresses in octets, payload of even length."""
    head = struct.pack("!HHHH", 7, 9, 8 + len(payload), 0)
    pseudo = source + destination + struct.pack("!II", len(head) + len(payload), socket.IPPROTO_UDP)
    right = checksum(pseudo + head + payload) or 0xffff
    return ipv6(source, destination, socket.IPPROTO_UDP, head[:6] + right.to_bytes(2, "big") + payload)


class Member:
    """What one mobile node signs and checks. key in octets, addresses as text."""

    def __init__(self, mn_id, home, agent, spi, key):
        self.home, self.agent, self.key, self.spi = pack(home), pack(agent), key, spi
        identity = bytes([MN_ID, 1 + len(mn_id), NAI]) + mn_id.encode()
        # A time stamp begins at 8n + 2 octets.
        self.identity = identity + padding((2 - MH_FIXED - len(identity)) % 8)
        self.home_option = bytes([mip6.MH, 2, 1, 2, 0, 0, HOME_ADDRESS_OPTION, 16]) + self.home

    def authenticator(self, care_of, octets):
        return hmac.new(self.key, care_of + self.home + octets, hashlib.sha1).digest()[:12]

    def update(self, care_of, sequence, lifetime):
        """A Binding Update for a care-of address in octets; lifetime in units of four seconds."""
        options = self.identity + bytes([TIMESTAMP, 8]) + mip6.ntp_now().to_bytes(8, "big")
        # An SPI begins at 4n + 4, and the authenticator ends the message at 8n.
        options += padding((5 - MH_FIXED - len(options)) % 8)
        options += bytes([mip6.AUTH_OPTION, 17, mip6.MN_HA]) + self.spi.to_bytes(4, "big")
        units = (MH_FIXED + len(options) + 12) // 8 - 1
        message = UPDATE.pack(59, units, mip6.BU, 0, 0, sequence, FLAGS, lifetime) + options
        message += self.authenticator(care_of, message)
        pseudo = self.home + self.agent + struct.pack("!II", len(message), mip6.MH)
        right = checksum(pseudo + message).to_bytes(2, "big")
        return ipv6(care_of, self.agent, DESTINATION_OPTIONS,
                    self.home_option + message[:4] + right + message[6:])

    def authentic(self, care_of, message):
        """Whether the message ends with the right authenticator."""
        signed = message[:4] + b"\0\0" + message[6:-12]
        return message[-12:] == self.authenticator(care_of, signed)


def acknowledgement(octets):
    """(home address, status, sequence, care-of address, message) of a packet that is a Binding Acknowledgement to a
    node away from home, as octets and numbers; else None."""
    if len(octets) < 64 + MH_FIXED or octets[6] != socket.IPPROTO_ROUTING:
        return None
    if octets[40:44] != ROUTING_TYPE_2 or octets[66] != mip6.BA:
        return None
    message = octets[64:]
    return octets[48:64], message[6], int.from_bytes(message[8:10], "big"), octets[24:40], message
