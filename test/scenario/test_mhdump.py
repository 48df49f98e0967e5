"""dmm-mhdump against packets that scapy or this file made, a real exchange, and tshark."""

import ipaddress
import os
import signal
import subprocess

import pytest
from scapy.layers.inet import GRE, IP, UDP
from scapy.layers.inet6 import (HAO, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrRouting, MIP6MH_BA,
                                MIP6MH_BE, MIP6MH_BRR, MIP6MH_BU, MIP6MH_CoT, MIP6MH_CoTI,
                                MIP6MH_HoT, MIP6MH_HoTI, MIP6OptAltCoA, MIP6OptBRAdvice,
                                MIP6OptMNID, MIP6OptMobNetPrefix, MIP6OptMsgAuth,
                                MIP6OptReplayProtection)
from scapy.layers.ipsec import ESP
from scapy.layers.l2 import CookedLinux, Dot1Q, Ether
from scapy.utils import PcapNgWriter, PcapWriter

import mhdump
import mip6
from lab import programs
from lab.capture import Capture
from lab.system import wait_for

MN, HA, HOME = "2001:db8:a::10", "2001:db8:1::1", "2001:db8:100::10"
MN4, HA4 = "192.0.2.10", "198.51.100.1"


def padded(mh):
    """A Mobility Header filled up with a PadN option, its Header Len made right."""
    missing = -len(mh) % 8
    mh += b"" if not missing else b"\0" if missing == 1 else bytes([1, missing - 2]) + bytes(missing - 2)
    return bytes([59, len(mh) // 8 - 1]) + mh[2:]


def mh(kind, body, *options, source=MN, destination=HA):
    """A Mobility Header with its checksum; body is what stands behind it, options are octets."""
    octets = padded(bytes([59, 0, kind, 0, 0, 0]) + body + b"".join(options))
    return mip6.with_checksum(octets, source, destination)


def packet(octets, source=MN, destination=HA):
    return IPv6(src=source, dst=destination, nh=mip6.MH) / octets


def option(kind, text):
    data = bytes.fromhex(text)
    return bytes([kind, len(data)]) + data


def capture(path, packets, writer=PcapWriter, link=1):
    with writer(str(path)) if writer is PcapNgWriter else writer(str(path), linktype=link) as file:
        for number, made in enumerate(packets):
            made.time = 1_700_000_000 + number
            file.write(made)
    return path


def frames(packets):
    return [Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / made for made in packets]


def scapy_packets():
    """One of each message that scapy knows, with the options that it knows."""
    update = MIP6MH_BU(seq=4660, flags="AHKR", mhtime=30, options=[
        MIP6OptAltCoA(acoa=MN), MIP6OptMobNetPrefix(plen=56, prefix="2001:db8:200::"),
        MIP6OptMNID(subtype=1, id="mn1@example.net"),
        MIP6OptReplayProtection(timestamp=mip6.ntp_now()),
        MIP6OptMsgAuth(subtype=1, mspi=1000, authdata=bytes(range(12)))])
    answer = MIP6MH_BA(status=1, flags="KP", seq=4660, mhtime=15,
                       options=[MIP6OptBRAdvice(rinter=7), MIP6OptMNID(subtype=1, id="a@b")])
    away = IPv6(src=MN, dst=HA) / IPv6ExtHdrDestOpt(options=[HAO(hoa=HOME)])
    routed = IPv6(src=HA, dst=MN) / IPv6ExtHdrRouting(type=2, addresses=[HOME], segleft=1)
    return [away / update, routed / answer, IPv6(src=HA, dst=MN) / MIP6MH_BRR(),
            IPv6(src=MN, dst=HA) / MIP6MH_HoTI(cookie=b"\0\0\0\0\0\1\2\3"),
            IPv6(src=MN, dst=HA) / MIP6MH_CoTI(cookie=b"\0\0\0\0\0\4\5\6"),
            IPv6(src=HA, dst=MN) / MIP6MH_HoT(index=9, cookie=b"\0\0\0\0\0\1\2\3", token=b"\1" * 8),
            IPv6(src=HA, dst=MN) / MIP6MH_CoT(index=8, cookie=b"\0\0\0\0\0\4\5\6", token=b"\2" * 8),
            IPv6(src=HA, dst=MN) / MIP6MH_BE(status=1, ha=HOME)]


def own_packets():
    """Messages and options that tshark knows and scapy does not, octet by octet."""
    proxy = bytes.fromhex("0001 8200 0010")  # sequence, A and P, lifetime
    client = bytes.fromhex("0002 c100 0010")  # A, H and F
    accepted = bytes.fromhex("00 20 0001 0010")
    home = ipaddress.ip_address(HOME).packed.hex()
    return [packet(octets) for octets in (
        mh(13, bytes.fromhex("0001 01020304"), option(28, "0000002a")),
        mh(13, bytes.fromhex("0003 01020305")),
        mh(16, bytes.fromhex("01 04 0007 8000"), b"\1\0", option(8, "01616240632e64")),
        mh(5, proxy, b"\1\0", option(23, "0003"), option(24, "0004"), option(33, "0000 00000007"),
           option(26, "fe80" + "00" * 13 + "01")),
        mh(6, accepted, option(23, "0005"), option(24, "0003"), b"\1\0", option(33, "0000 000000ff")),
        mh(5, client, option(29, "8080 c0000205"), option(32, "0000 c0000207"),
           option(35, "0001 0080" + home), option(35, "0102 0000 c0000209")),
        mh(6, bytes.fromhex("04 00 0002 0010"), option(31, "8000 0000006e"), b"\1\2\0\0",
           option(35, "0001 a700")),
        mh(5, client, option(17, "8080 026d6e 0377777700"), option(19, "000028af 05 abcdef"),
           option(20, "696e7465726e6574")),
    )]


def test_what_scapy_builds(build, tmp_path):
    seen = mhdump.assert_agree(build, capture(tmp_path / "scapy.pcap", frames(scapy_packets())))
    assert [m["type"] for m in seen] == [5, 6, 0, 1, 2, 3, 4, 7]
    assert [m["error"] for m in seen] == [None] * 8
    assert {m["checksum"] for m in seen} == {"good"}
    assert seen[0]["home_address"] == seen[1]["home_address"] == HOME
    assert (seen[0]["src"], seen[0]["dst"], seen[0]["flags"]) == (MN, HA, "AHKR")
    assert [o["type"] for o in seen[0]["options"]] == [3, 6, 8, 10, 9]
    assert seen[0]["options"][4]["authenticator"] == bytes(range(12)).hex()
    assert seen[1]["status_name"] and seen[1]["options"][0]["interval"] == 7
    assert seen[0]["time"] == "2023-11-14T22:13:20.000000000Z"
    assert seen[7]["home_address"] == HOME


def test_what_tshark_knows(build, tmp_path):
    seen = mhdump.assert_agree(build, capture(tmp_path / "own.pcap", frames(own_packets())))
    assert [m["type"] for m in seen] == [13, 13, 16, 5, 6, 5, 6, 5]
    assert [m["error"] for m in seen] == [None] * 8
    assert all(o["state"] == "known" for m in seen for o in m["options"])


@pytest.mark.parametrize("link, head", [(1, lambda p: Ether() / Dot1Q(vlan=5) / p),
                                        (113, lambda p: CookedLinux(proto=0x86DD) / p),
                                        (101, lambda p: p)], ids=["vlan", "cooked", "raw"])
def test_link_layers(build, tmp_path, link, head):
    path = capture(tmp_path / "link.pcap", [head(made) for made in own_packets()], link=link)
    assert len(mhdump.assert_agree(build, path)) == 8


def test_pcapng(build, tmp_path):
    path = capture(tmp_path / "new.pcapng", frames(own_packets()), PcapNgWriter)
    assert path.read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"
    assert len(mhdump.assert_agree(build, path)) == 8


def test_encapsulations(build, tmp_path):
    inner = own_packets()[0]
    heartbeat = mip6.with_checksum(bytes(inner)[40:], MN, HA)
    unsigned = heartbeat[:4] + b"\0\0" + heartbeat[6:]
    made = [IP(src=MN4, dst=HA4) / UDP(sport=40000, dport=4191) / inner,
            IP(src=MN4, dst=HA4) / UDP(sport=5436, dport=5436) / unsigned,
            IPv6(src=MN, dst=HA) / UDP(sport=5436, dport=5436) / unsigned,
            IPv6(src="2001:db8::1", dst="2001:db8::2") / inner,
            IP(src=MN4, dst=HA4) / GRE(key_present=1, key=7, proto=0x86DD) / inner]
    path = capture(tmp_path / "inside.pcap", frames(made))
    seen = mhdump.assert_agree(build, path, "-d", "udp.port==4191,ipv6")
    assert [m["headers"] for m in seen] == [
        "IPv4, UDP 4191, IPv6", "IPv4, UDP 5436", "IPv6, UDP 5436", "IPv6, IPv6",
        "IPv4, GRE key 0x7, IPv6"]
    assert [m["checksum"] for m in seen] == ["good", "ignored", "ignored", "good", "good"]
    assert [m["src"] for m in seen] == [MN, MN4, MN, MN, MN]
    assert {m["sequence"] for m in seen} == {0x01020304}
    assert [m["error"] for m in seen] == [None] * 5


def test_encrypted_and_other_packets(build, tmp_path):
    path = capture(tmp_path / "esp.pcap", frames([
        IPv6(src=MN, dst=HA) / ESP(spi=258, seq=3, data=bytes(32)),
        IPv6(src=MN, dst=HA) / UDP(sport=53, dport=53) / b"no message"]))
    seen, status = mhdump.dump(build, path)
    assert status == 0
    assert [(m["type"], m["type_name"], m["spi"], m["sequence"]) for m in seen] == [
        (None, "ESP", 258, 3)]


@pytest.mark.parametrize("octets, what, where, value", [
    (mh(13, bytes.fromhex("0001 01020304"))[:5] + b"\0" + mh(13, bytes.fromhex("0001 01020304"))[6:],
     "checksum", 4, None),
    (mh(99, bytes(10)), "type", 2, 99),
    (mh(5, bytes.fromhex("0001 8000 0010"), option(3, "20" * 15)), "option-length", 12, 15),
    (mh(5, bytes.fromhex("0001 8000 0010") + bytes([3, 200, 1, 1])), "option-truncated", None, 200),
], ids=["checksum", "type", "option length", "option runs out"])
def test_errors(build, tmp_path, octets, what, where, value):
    path = capture(tmp_path / "bad.pcap", frames([packet(octets), own_packets()[0]]))
    seen, status = mhdump.dump(build, path)
    assert status == 1 and len(seen) == 2
    error = seen[0]["error"]
    assert (error["what"], error["header"]) == (what, "Mobility Header")
    assert where is None or error["where"] == where
    assert value is None or error["value"] == value
    assert str(error["where"]) in error["text"]
    assert seen[0]["type"] == octets[2] and seen[1]["error"] is None


def test_hexadecimal(build):
    heartbeat = own_packets()[0]
    seen, status = mhdump.dump(build, "--hex", bytes(heartbeat).hex(" "))
    assert status == 0 and seen[0]["checksum"] == "good" and seen[0]["src"] == MN
    seen, status = mhdump.dump(build, "--hex", bytes(heartbeat)[40:].hex(":"))
    assert status == 0 and seen[0]["checksum"] is None and seen[0]["src"] is None
    assert seen[0]["options"][0]["restart_counter"] == 42


def test_text(build, tmp_path):
    path = capture(tmp_path / "own.pcap", frames(own_packets()))
    done = subprocess.run([programs.program(build, "dmm-mhdump"), "--text", path], text=True,
                          stdout=subprocess.PIPE, check=True)
    assert "type: 13 (Heartbeat)" in done.stdout and "clause: RFC 5847, 3.3" in done.stdout
    assert done.stdout.count("\n\n") == 8


@pytest.mark.parametrize("words, says", [
    ([], "one of FILE, --hex and --interface is needed"),
    (["--hex", "3b0"], "two hexadecimal digits"),
    (["--hex", "3b", "file"], "one of FILE, --hex and --interface is needed"),
    (["/nonexistent.pcap"], "No such file"),
    (["-i", "nonexistent"], "nonexistent"),
    ([os.path.abspath(__file__)], "unknown file format"),
    (["--ha-tunnel", "5", "--hex", "3b"], "71 to 255"),
])
def test_usage(build, words, says):
    done = subprocess.run([programs.program(build, "dmm-mhdump"), *words], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 2 and done.stdout == ""
    assert says in done.stderr


def test_file_that_is_cut_off(build, tmp_path):
    path = capture(tmp_path / "own.pcap", frames(own_packets()))
    path.write_bytes(path.read_bytes()[:-3])
    seen, status = mhdump.dump(build, path, check=False)
    assert status == 2 and len(seen) == 7


def test_real_exchange(peer, subscriber, build):
    """A node registers and leaves, seen by a capture and by dmm-mhdump itself."""
    peer.attach("a")
    held = Capture(peer.node, "wlan0", "exchange", "ip6")
    live = peer.node.start("mhdump", programs.program(build, "dmm-mhdump"), "-i", "wlan0")
    wait_for(lambda: live.require() or "listening on wlan0" in live.output(), "dmm-mhdump to listen")
    node = subscriber()
    peer.register(node)
    peer.register(node, lifetime=0)
    wait_for(lambda: live.output().count('"Binding Acknowledgement"') == 2, "both acknowledgements")
    assert live.stop(signal.SIGINT) == 0
    wait_for(lambda: sum(mip6.mh_type(frame[14:]) is not None for _, frame in held.packets()) == 4,
             "the capture to have them all")
    seen = mhdump.assert_agree(build, held.stop())
    assert [m["type"] for m in seen] == [5, 6, 5, 6]
    assert [m["error"] for m in seen] == [None] * 4
    assert {m["checksum"] for m in seen} == {"good"}
    assert {m["home_address"] for m in seen} == {node["home_addresses"][0]}
    assert [m["lifetime"] == 0 for m in seen] == [False, False, True, True]
