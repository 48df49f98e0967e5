"""One of each mobility message and of each option, octet by octet from the figures of their RFCs."""

import mip6

MN, HA = "2001:db8:a::10", "2001:db8:1::1"
ADDRESS = "20010db8 01000000 00000000 00000010"
PREFIX = "20010db8 02000000 00000000 00000000"

# MH Type: what stands behind the checksum and before the options.
BODIES = {
    0: "0000",
    1: "0000 0102030405060708",
    2: "0000 1112131415161718",
    3: "0007 0102030405060708 2122232425262728",
    4: "0008 1112131415161718 3132333435363738",
    5: "1234 c000 001e",
    6: "00 80 1234 000f",
    7: "01 00" + ADDRESS,
    13: "0003 01020304",
    16: "01 04 0007 a000",
    19: "0009 0002 8000",
    20: "0009 80 000000",
}
# The same with flags that some options need.
PROXY, CLIENT, MAAR = "0001 8200 0010", "0002 c100 0010", "0003 8210 0010"
ANSWER, PROXY_ANSWER, MAAR_ANSWER = "00 00 0001 0010", "00 20 0001 0010", "00 22 0001 0010"
REVOCATION = "02 80 0008 4000"

# Number, MH Type, its body, alignment of the option (n, m), data.
OPTIONS = [
    (2, 6, ANSWER, (2, 0), "0007"),
    (3, 5, CLIENT, (8, 6), ADDRESS),
    (4, 5, CLIENT, (2, 0), "0102 0304"),
    (5, 5, CLIENT, (8, 2), "0102030405060708090a0b0c"),
    (6, 5, CLIENT, (8, 4), "00 38" + PREFIX),
    (7, 5, CLIENT, (1, 0), "02 020000000001"),
    (8, 5, CLIENT, (1, 0), "01" + b"mn1@example.net".hex()),
    (9, 5, CLIENT, (4, 1), "01 000003e8 0102030405060708090a0b0c"),
    (10, 5, CLIENT, (8, 2), "e8d5c2a1 80000000"),
    (17, 5, CLIENT, (1, 0), "00 80" + b"\2mn\7example\0".hex()),
    (18, 5, CLIENT, (1, 0), "0102030405"),
    (18, 6, ANSWER, (8, 6), ADDRESS),
    (19, 5, CLIENT, (4, 2), "000028af 05 abcdef"),
    (19, 5, PROXY, (4, 2), "00007ed9 01 0100 0000 00004e20"),  # metrics of a way (docs/wire.md)
    (20, 5, CLIENT, (1, 0), b"internet".hex()),
    (22, 5, PROXY, (8, 4), "80 40" + PREFIX),
    (23, 5, PROXY, (1, 0), "00 03"),
    (24, 5, PROXY, (1, 0), "00 04"),
    (25, 5, PROXY, (8, 4), "0000 0200000000000001"),
    (26, 5, PROXY, (8, 6), "fe80 0000 0000 0000 0000 0000 0000 0001"),
    (27, 5, PROXY, (8, 2), "000069200000 8000"),
    (28, 13, BODIES[13], (4, 2), "0000002a"),
    (29, 5, CLIENT, (4, 0), "8200 c0000205"),
    (30, 6, ANSWER, (4, 0), "84 60 c0000205"),
    (31, 6, ANSWER, (4, 0), "8000 0000006e"),
    (32, 5, CLIENT, (4, 0), "0000 c0000207"),
    (33, 5, PROXY, (4, 0), "0000 00000007"),
    (33, 6, PROXY_ANSWER, (4, 0), "0000"),
    (35, 5, CLIENT, (2, 0), "0001 00 80"),
    (35, 5, CLIENT, (8, 2), "0102 00 00 c0000209"),
    (35, 6, ANSWER, (8, 2), "fffe a7 00" + ADDRESS),
    (36, 5, PROXY, (4, 0), "8000 c0000205"),
    (37, 6, PROXY_ANSWER, (4, 0), "81 80 c0000205"),
    (38, 6, PROXY_ANSWER, (4, 0), "0000 c0000201"),
    (39, 6, PROXY_ANSWER, (1, 0), "0001"),
    (44, 5, CLIENT, (2, 0), "0001 0002"),
    (45, 5, CLIENT, (8, 0), "0001 0002 00 00 02 02 0001 03 08 01 00 00280000 2e 11"),
    (55, 5, PROXY, (8, 2), "80 18 c6336400"),
    (55, 6, PROXY_ANSWER, (8, 2), "00 38" + PREFIX),
    (59, 6, PROXY_ANSWER, (8, 2), "0000" + ADDRESS),
    (63, 5, PROXY, (1, 0), "04 05 06 80 0000"),
    (64, 5, PROXY, (1, 0), "01 00" + b"mag1@example.net".hex()),
    (65, 5, MAAR, (8, 4), "00 40" + PREFIX),
    (66, 5, MAAR, (8, 4), "00 40" + PREFIX),
    (67, 6, MAAR_ANSWER, (8, 4), "00 40" + ADDRESS + PREFIX),
    (68, 6, MAAR_ANSWER, (8, 6), ADDRESS),
    (69, 6, MAAR_ANSWER, (8, 6), "fe80 0000 0000 0000 0000 0000 0000 0002"),
    (70, 6, MAAR_ANSWER, (4, 0), "0000 01020304"),
    (200, 5, CLIENT, (8, 2), "8f00 0000 0000 0001 02 00 0001 ff0e" + "00" * 13 + "05" + ADDRESS),
]


def padding(octets):
    return b"" if not octets else b"\0" if octets == 1 else bytes([1, octets - 2]) + bytes(octets - 2)


def message(kind, body, *options):
    """A Mobility Header with its checksum; options are (number, (n, m), data in hexadecimal)."""
    octets = bytes([59, 0, kind, 0, 0, 0]) + bytes.fromhex(body)
    for number, (n, m), text in options:
        data = bytes.fromhex(text)
        octets += padding((m - len(octets)) % n) + bytes([number, len(data)]) + data
    octets += padding(-len(octets) % 8)
    octets = octets[:1] + bytes([len(octets) // 8 - 1]) + octets[2:]
    return mip6.with_checksum(octets, MN, HA)


def messages():
    """All of the above: a Mobility Header for each message and for each option."""
    return ([message(kind, body) for kind, body in BODIES.items()] + [message(16, REVOCATION)] +
            [message(kind, body, (number, align, data)) for number, kind, body, align, data in OPTIONS])
