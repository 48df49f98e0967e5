"""Mobile IPv6 messages made and read with scapy, with RFC 4285 authentication of our own making
(nothing here comes from the code under test)."""

import hashlib
import hmac
import socket
import time

from scapy.layers.inet6 import (HAO, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrRouting, MIP6MH_BA, MIP6MH_BU,
                                MIP6OptAltCoA, MIP6OptMNID, MIP6OptMsgAuth,
                                MIP6OptReplayProtection, MIP6OptUnknown)
from scapy.utils import checksum

NTP_1900 = 2208988800
MH = 135
BRR, HOTI, COTI, BU, BA, BE = 0, 1, 2, 5, 6, 7
PAD1, PADN = 0, 1
BID_OPTION, OVERWRITE = 35, 0x40
SUMMARY, FLOW = 44, 45
AUTH_OPTION, MN_HA, SPI_AND_HEAD = 9, 1, 7  # octets of the option up to and including its SPI


def ntp_now(offset=0.0):
    """The time as the 64 bits of NTP, as the replay protection option carries it."""
    return int((time.time() + offset + NTP_1900) * (1 << 32))


def address(text):
    return socket.inet_pton(socket.AF_INET6, text)


def authenticator(key, care_of, home, mh_up_to_spi):
    """RFC 4285, 5.1: the checksum counts as zero."""
    data = mh_up_to_spi[:4] + b"\0\0" + mh_up_to_spi[6:]
    return hmac.new(key, address(care_of) + address(home) + data, hashlib.sha1).digest()[:12]


def options_of(mh):
    """The options of a BU or BA in octets, without padding: (offset in the message, type, data)."""
    at, found = 12, []
    while at < len(mh):
        if mh[at] == PAD1:
            at += 1
            continue
        if mh[at] != PADN:
            found.append((at, mh[at], mh[at + 2:at + 2 + mh[at + 1]]))
        at += 2 + mh[at + 1]
    return found


def pseudo_header(mh, source, destination):
    """That of RFC 6275, 6.1.1: home addresses stand for care-of addresses."""
    return address(source) + address(destination) + len(mh).to_bytes(4, "big") + bytes([0, 0, 0, MH])


def mh_checksum_good(mh, source, destination):
    return checksum(pseudo_header(mh, source, destination) + mh) == 0


def with_checksum(mh, source, destination):
    """The message with its checksum made right."""
    mh = bytes(mh[:4]) + b"\0\0" + bytes(mh[6:])
    right = checksum(pseudo_header(mh, source, destination) + mh)
    return mh[:4] + right.to_bytes(2, "big") + mh[6:]


def sign(packet, key, care_of, home):
    """Fills in the authenticator of the MN-HA option, which is the last one."""
    message = packet[MIP6MH_BU]
    octets = bytes(message)
    at = [at for at, kind, _ in options_of(octets) if kind == AUTH_OPTION][-1]
    message.options[-1].authdata = authenticator(key, care_of, home, octets[:at + SPI_AND_HEAD])
    return packet


def binding_update(home, care_of, agent, *, mn_id="", spi=None, key=b"", sequence=1, lifetime=60,
                   timestamp=None, flags="AH", source=None, alternate=None, more=(),
                   home_option=True, overwrite=False):
    """A Binding Update, with a home address option unless told otherwise, as octets ready to send.

    care_of is what it is authenticated for; source the sender's address if that is another.
    overwrite: the O flag of RFC 5648. lifetime in units of four seconds; timestamp None: now, False: no option; spi None: no
    authentication option."""
    options = []
    if alternate:
        options.append(MIP6OptAltCoA(acoa=alternate))
    if mn_id:
        options.append(MIP6OptMNID(subtype=1, id=mn_id))
    options += more
    if timestamp is not False:
        options.append(MIP6OptReplayProtection(timestamp=timestamp or ntp_now()))
    if spi is not None:
        options.append(MIP6OptMsgAuth(subtype=MN_HA, mspi=spi, authdata=bytes(12)))
    packet = IPv6(src=source or care_of, dst=agent)
    if home_option:
        packet /= IPv6ExtHdrDestOpt(options=[HAO(hoa=home)])
    packet /= MIP6MH_BU(seq=sequence, flags=flags, mhtime=lifetime, options=options,
                        reserved=OVERWRITE if overwrite else 0)
    if spi is not None:
        sign(packet, key, care_of, home)
    return bytes(packet)


def bid(number, care_of=None, home=False, priority=0, length=None, status=0):
    """A Binding Identifier option (RFC 5648, 4.3), which scapy does not know. length: wrong on
    purpose. status: means something in an acknowledgement alone."""
    data = number.to_bytes(2, "big") + bytes([status, (0x80 if home else 0) | priority])
    data += address(care_of) if care_of else b""
    if length is not None:
        data = data[:length].ljust(length, b"\0")
    return MIP6OptUnknown(otype=BID_OPTION, odata=data)


def number(value, octets=2):
    return value.to_bytes(octets, "big")


def reference(*bids):
    """RFC 6089, figure 4."""
    return bytes([2, 2 * len(bids)]) + b"".join(number(b) for b in bids)


def udp_from(first, last=None, kind=2):
    """RFC 6089, figure 5 with RFC 6088, figure 2: source port and next header of IPv6."""
    flags = 0x00820000 if last is None else 0x00C20000
    ports = number(first) + (number(last) if last is not None else b"")
    selector = number(flags, 4) + ports + bytes([17])
    return bytes([3, 2 + len(selector), kind, 0]) + selector


def flow(fid, priority, *subs):
    """RFC 6089, figure 2."""
    return MIP6OptUnknown(otype=FLOW, odata=number(fid) + number(priority) + bytes(2) + b"".join(subs))


def summary(*fids):
    """RFC 6089, figure 6."""
    return MIP6OptUnknown(otype=SUMMARY, odata=b"".join(number(f) for f in fids))


def statuses(answer):
    """FID and status of each flow identification option of an acknowledgement."""
    return [(int.from_bytes(data[:2], "big"), data[5])
            for _, kind, data in options_of(answer.octets) if kind == FLOW]


class Acknowledgement:
    """A Binding Acknowledgement as received, an IPv6 packet in octets."""

    def __init__(self, octets):
        packet = IPv6(octets)
        self.source, self.destination = packet.src, packet.dst
        routing = packet.getlayer(IPv6ExtHdrRouting)
        self.home = routing.addresses[0] if routing is not None and routing.type == 2 else None
        message = packet[MIP6MH_BA]
        self.status, self.sequence, self.lifetime = message.status, message.seq, message.mhtime
        self.flags = message.flags
        self.octets = octets[octets_before_mh(octets):]
        self.options = {kind: data for _, kind, data in options_of(self.octets)}
        # By BID, in the order of the message: its status.
        self.bids = [(int.from_bytes(data[:2], "big"), data[2])
                     for _, kind, data in options_of(self.octets) if kind == BID_OPTION]

    def authentic(self, key, care_of, home):
        """Whether its MN-HA option is right and is the last option."""
        found = options_of(self.octets)
        if not found or found[-1][1] != AUTH_OPTION:
            return False
        at, _, data = found[-1]
        good = authenticator(key, care_of, home, self.octets[:at + SPI_AND_HEAD])
        return data[:1] == bytes([MN_HA]) and data[5:] == good

    def checksum_good(self):
        return mh_checksum_good(self.octets, self.source, self.home or self.destination)


def octets_before_mh(octets):
    """Where the Mobility Header of an IPv6 packet begins; None if it has none."""
    kind, at = octets[6], 40
    while kind != MH:
        if kind not in (0, 43, 60) or at + 8 > len(octets):
            return None
        kind, at = octets[at], at + 8 * (octets[at + 1] + 1)
    return at


def mh_type(octets):
    """The type of the mobility message of an IPv6 packet; None if it is something else."""
    at = octets_before_mh(octets) if len(octets) >= 40 and octets[0] >> 4 == 6 else None
    return octets[at + 2] if at is not None and len(octets) >= at + 8 else None
