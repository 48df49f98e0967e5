"""Every message and every option against scapy and tshark, as far as each knows them."""

import re

import pytest
from scapy.layers.inet6 import (ICMPv6HAADReply, ICMPv6HAADRequest, ICMPv6MPAdv, ICMPv6MPSol,
                                ICMPv6NDOptPrefixInfo, IPv6, IPv6ExtHdrDestOpt, HAO, MIP6MH_BA,
                                MIP6MH_BE, MIP6MH_BRR, MIP6MH_BU, MIP6MH_CoT, MIP6MH_CoTI,
                                MIP6MH_HoT, MIP6MH_HoTI, MIP6OptAltCoA, MIP6OptBindingAuthData,
                                MIP6OptBRAdvice, MIP6OptMNID, MIP6OptMobNetPrefix, MIP6OptMsgAuth,
                                MIP6OptNonceIndices, MIP6OptReplayProtection)
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

import mhdump
import mip6
import samples
from lab import programs
from lab.system import run

# What scapy knows: its field and our key. It puts an octet too many into option 7, writes a wrong
# length into 4 and 5 unless it is told, and knows 11 to 16, which are none of ours.
MESSAGES = {
    0: (MIP6MH_BRR, {}),
    1: (MIP6MH_HoTI, {"cookie": "cookie"}),
    2: (MIP6MH_CoTI, {"cookie": "cookie"}),
    3: (MIP6MH_HoT, {"index": "nonce_index", "cookie": "cookie", "token": "token"}),
    4: (MIP6MH_CoT, {"index": "nonce_index", "cookie": "cookie", "token": "token"}),
    5: (MIP6MH_BU, {"seq": "sequence", "flags": "flags", "mhtime": "lifetime"}),
    6: (MIP6MH_BA, {"status": "status", "flags": "flags", "seq": "sequence", "mhtime": "lifetime"}),
    7: (MIP6MH_BE, {"status": "status", "ha": "home_address"}),
}
OPTIONS = {
    2: (MIP6OptBRAdvice, {"rinter": "interval"}),
    3: (MIP6OptAltCoA, {"acoa": "care_of_address"}),
    4: (MIP6OptNonceIndices, {"hni": "home", "coni": "care_of"}),
    5: (MIP6OptBindingAuthData, {"authenticator": "authenticator"}),
    6: (MIP6OptMobNetPrefix, {"plen": "prefix_length", "prefix": "prefix"}),
    8: (MIP6OptMNID, {"subtype": "subtype", "id": "identifier"}),
    9: (MIP6OptMsgAuth, {"subtype": "subtype", "mspi": "spi", "authdata": "authenticator"}),
    10: (MIP6OptReplayProtection, {"timestamp": "timestamp"}),
}
FLAGS_OF_SCAPY = "AHLKMRP"


def packet(mh):
    return IPv6(src=samples.MN, dst=samples.HA, nh=mip6.MH) / mh


def write(path, packets):
    wrpcap(str(path), [Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / made
                       for made in packets])
    return path


@pytest.fixture(scope="module")
def capture(tmp_path_factory):
    return write(tmp_path_factory.mktemp("samples") / "samples.pcap",
                 [packet(mh) for mh in samples.messages()])


def letters(flags):
    """Those of the flags that scapy knows, in one order."""
    return "".join(sorted(set(flags) & set(FLAGS_OF_SCAPY)))


def same(theirs, ours):
    """Whether a value of scapy's is ours, which is a number or a text."""
    if isinstance(theirs, bytes):
        return ours in (int.from_bytes(theirs, "big"), theirs.hex(), theirs.decode("latin-1"))
    if isinstance(theirs, int) and isinstance(ours, str):
        return theirs == int(ours, 16)
    return theirs == ours


def assert_same(layer, names, ours):
    for name, key in names.items():
        value = getattr(layer, name)
        if key == "flags":
            assert letters(str(value)) == letters(ours[key])
        else:
            assert same(value, ours[key]), (layer.name, name, value, ours[key])


def test_a_sample_of_each():
    """A message or an option that is added to the tables is added here, too."""
    wire = (programs.ROOT / "docs/wire.md").read_text()
    titles = re.findall(r"^### (Type|Option) (\d+)\*?: ", wire.split("## ICMPv6")[0], re.M)
    assert {int(n) for kind, n in titles if kind == "Type"} == set(samples.BODIES)
    assert {int(n) for kind, n in titles if kind == "Option"} == {o[0] for o in samples.OPTIONS}


def test_all_is_understood(build, capture):
    seen, status = mhdump.dump(build, capture)
    assert status == 0 and len(seen) == len(samples.messages())
    assert {m["checksum"] for m in seen} == {"good"} and {m["type"] for m in seen} == set(samples.BODIES)
    assert [o["type"] for m in seen for o in m["options"]] == [o[0] for o in samples.OPTIONS]
    assert {o["state"] for m in seen for o in m["options"]} == {"known"}


def test_tshark_reads_the_same(build, capture):
    mhdump.assert_agree(build, capture)
    heard = {name.removeprefix("mip6.") for m in mhdump.tshark(capture) for name in m if m[name]}
    assert mhdump.compared() <= heard


def test_nothing_of_tshark_is_forgotten():
    prefixes = tuple(name for names in mhdump.NOT_COMPARED.values() for name in names)
    left = {name for name in mhdump.tshark_fields() - mhdump.compared()
            if not name.startswith(prefixes)}
    assert not left


def known_to_scapy(build, capture):
    """What dmm-mhdump and scapy say of each sample, and of its option if scapy knows that."""
    for ours, octets in zip(mhdump.dump(build, capture)[0], samples.messages()):
        if ours["type"] not in MESSAGES:
            continue
        theirs = IPv6(bytes(packet(octets)))
        option = next((o for o in ours["options"] if o["type"] in OPTIONS), None)
        yield ours, theirs[MESSAGES[ours["type"]][0]], option, option and next(
            layer for layer in theirs.options if isinstance(layer, OPTIONS[option["type"]][0]))


def test_scapy_reads_the_same(build, capture):
    compared = set()
    for ours, theirs, our_option, their_option in known_to_scapy(build, capture):
        assert_same(theirs, MESSAGES[ours["type"]][1], ours)
        compared.add(type(theirs))
        if our_option:
            assert_same(their_option, OPTIONS[our_option["type"]][1], our_option)
            compared.add(type(their_option))
    assert compared == {kind for table in (MESSAGES, OPTIONS) for kind, _ in table.values()}


def test_scapy_builds_the_same(build, capture, tmp_path):
    """What scapy makes of the fields that it read says the same to dmm-mhdump."""
    made, wanted = [], []
    for ours, theirs, our_option, their_option in known_to_scapy(build, capture):
        if ours["options"] and not our_option:
            continue
        kind, names = MESSAGES[ours["type"]]
        again = kind(**{name: getattr(theirs, name) for name in names})
        if our_option:
            option, names = OPTIONS[our_option["type"]]
            again.options = [option(olen=our_option["length"],
                                    **{name: getattr(their_option, name) for name in names})]
        made.append(IPv6(src=samples.MN, dst=samples.HA) / again)
        wanted.append(ours)
    seen, status = mhdump.dump(build, write(tmp_path / "scapy.pcap", made))
    assert status == 0 and len(seen) == len(wanted) >= len(MESSAGES) + len(OPTIONS)
    for message in seen + wanted:
        del message["frame"], message["time"]
        message["flags"] = letters(message.get("flags", ""))
    assert seen == wanted


def test_home_agent_and_prefix_discovery(build, tmp_path):
    """ICMPv6 144 to 147 (RFC 6275, 6.5 to 6.8), built by scapy and read by tshark."""
    home = "2001:db8:100::10"
    prefix = ICMPv6NDOptPrefixInfo(prefixlen=64, L=1, A=1, R=1, validlifetime=86400,
                                   preferredlifetime=14400, prefix="2001:db8:100::1")
    path = write(tmp_path / "discovery.pcap", [
        IPv6(src=samples.MN, dst=samples.HA) / ICMPv6HAADRequest(id=4660, R=1),
        IPv6(src=samples.HA, dst=samples.MN) / ICMPv6HAADReply(
            id=4660, R=1, addresses=["2001:db8:100::1", "2001:db8:100::2"]),
        IPv6(src=samples.MN, dst=samples.HA) / IPv6ExtHdrDestOpt(options=[HAO(hoa=home)])
        / ICMPv6MPSol(id=7),
        IPv6(src=samples.HA, dst=samples.MN) / ICMPv6MPAdv(id=7, flags=3) / prefix])
    seen, status = mhdump.dump(build, path)
    assert status == 0 and [m["type"] for m in seen] == [144, 145, 146, 147]
    assert {m["checksum"] for m in seen} == {"good"}
    assert [m["home_address"] for m in seen] == [None, None, home, None]
    assert seen[0]["flags"] == seen[1]["flags"] == "R"
    assert seen[1]["home_agents"] == ["2001:db8:100::1", "2001:db8:100::2"]
    assert seen[3]["flags"] == "MO" and seen[3]["options"] == [{
        "type": 3, "name": "Prefix Information", "length": 4, "prefix_length": 64, "flags": "LAR",
        "valid_lifetime": 86400, "preferred_lifetime": 14400, "prefix": "2001:db8:100::1"}]
    names = ["icmpv6.type", "icmpv6.mip6.identifier", "icmpv6.mip6.home_agent_address",
             "icmpv6.checksum.status", "icmpv6.opt.prefix.length", "icmpv6.opt.prefix.valid_lifetime"]
    words = [word for name in names for word in ("-e", name)]
    lines = run("tshark", "-r", path, "-T", "fields", "-E", "separator=|", *words).splitlines()
    assert [line.split("|") for line in lines] == [
        ["144", "4660", "", "1", "", ""],
        ["145", "4660", "2001:db8:100::1,2001:db8:100::2", "1", "", ""],
        ["146", "7", "", "1", "", ""],
        ["147", "7", "", "1", "64", "86400"]]
