"""Mobility Headers that are wrong or not served (RFC 6275, 9.2 and 9.3.3; route optimization off)."""

import pytest
from scapy.layers.inet6 import (HAO, ICMPv6EchoRequest, ICMPv6HAADReply, ICMPv6HAADRequest,
                                ICMPv6MPAdv, ICMPv6MPSol, ICMPv6ND_RA, ICMPv6NDOptHAInfo,
                                ICMPv6NDOptPrefixInfo, ICMPv6ParamProblem, IPv6,
                                IPv6ExtHdrDestOpt, IPv6ExtHdrRouting, MIP6MH_CoTI, MIP6MH_HoTI)
from scapy.layers.l2 import Ether

import mip6
from lab.system import wait_for
from lab.topology import HOME_AGENT
from peer import CARE_OF

HOME_AGENTS = "2001:db8:100:0:fdff:ffff:ffff:fffe"  # the anycast address of the home prefix
OWN_HOME_AGENTS = {"2001:db8:1::1", "2001:db8:100::1"}


@pytest.fixture
def away(peer):
    peer.attach("a")
    return peer


def message(kind, body=b"", payload=59, length=None):
    """A Mobility Header with any type; body is filled up to a multiple of eight octets."""
    body = body.ljust(-(-(len(body) + 6) // 8) * 8 - 6, b"\0")
    units = (6 + len(body)) // 8 - 1 if length is None else length
    return bytes([payload, units, kind, 0, 0, 0]) + body


def packet(mh, good_checksum=True):
    mh = mip6.with_checksum(mh, CARE_OF["a"], HOME_AGENT)
    if not good_checksum:
        mh = mh[:4] + bytes([mh[4] ^ 0xFF]) + mh[5:]
    return bytes(IPv6(src=CARE_OF["a"], dst=HOME_AGENT, nh=mip6.MH, plen=len(mh))) + mh


def fence(peer, subscriber):
    peer.register(subscriber())


def test_route_optimization_is_off(away, subscriber, counted):
    since = away.ear.mark()
    head = IPv6(src=CARE_OF["a"], dst=HOME_AGENT)
    away.send(head / MIP6MH_CoTI(cookie=b"12345678"))
    away.send(head / MIP6MH_HoTI(cookie=b"12345678"))
    fence(away, subscriber)
    assert counted("drop_coti") == 1 and counted("drop_hoti") == 1
    assert all(mip6.mh_type(heard) in (None, mip6.BA) for heard in away.ear.heard(bool, since))


def test_unknown_type_is_answered_with_a_binding_error(away):
    since = away.ear.mark()
    away.send(packet(message(99)))
    error = away.ear.wait(lambda heard: mip6.mh_type(heard) == mip6.BE, "a Binding Error", since)
    mh = error[mip6.octets_before_mh(error):]
    assert mh[6] == 2
    assert mh[8:24] == bytes(16)
    assert mip6.mh_checksum_good(mh, HOME_AGENT, CARE_OF["a"])


def test_wrong_checksum_is_dropped_and_counted(away, subscriber, counted):
    since = away.ear.mark()
    away.send(packet(message(99), good_checksum=False))
    fence(away, subscriber)
    assert counted("drop_mh_checksum") == 1
    assert not away.ear.heard(lambda heard: mip6.mh_type(heard) == mip6.BE, since)


@pytest.mark.parametrize("mh, pointer", [
    (message(mip6.BU, bytes(10), payload=17), 0),
    (message(mip6.BU, bytes(2)), 1),
], ids=["payload protocol", "header length"])
def test_parameter_problem_points_at_the_field(away, mh, pointer):
    since = away.ear.mark()
    away.send(packet(mh))
    octets = away.ear.wait(lambda heard: ICMPv6ParamProblem in IPv6(heard), "a Parameter Problem", since)
    problem = IPv6(octets)[ICMPv6ParamProblem]
    assert (problem.code, problem.ptr) == (0, 40 + pointer)


def test_shorter_than_it_says(away, subscriber, counted, control):
    away.send(packet(message(mip6.BU, bytes(10), length=9)))
    fence(away, subscriber)
    assert control.process.running()
    assert counted("drop_mh_truncated") + counted("drop_mh_checksum") == 1


def test_option_that_runs_past_the_end(away, subscriber, counted):
    away.send(packet(message(mip6.BU, b"\0\1\xc0\0\0\x0a" + bytes([3, 200, 1, 1]))))
    fence(away, subscriber)
    assert counted("drop_mh_option") == 1


def test_home_address_option_without_binding(away, subscriber):
    """RFC 6275, 9.3.1: only a bound node may claim a home address; others are told status 1."""
    home = subscriber()["home_addresses"][0]
    since = away.ear.mark()
    away.send(IPv6(src=CARE_OF["a"], dst=HOME_AGENT) / IPv6ExtHdrDestOpt(options=[HAO(hoa=home)])
              / ICMPv6EchoRequest(data=b"who am I"))
    error = away.ear.wait(lambda heard: mip6.mh_type(heard) == mip6.BE, "a Binding Error", since)
    mh = error[mip6.octets_before_mh(error):]
    assert mh[6] == 1
    assert mh[8:24] == mip6.address(home)


def discover(peer, identifier):
    """The home agents that the home network tells, in their order."""
    since = peer.ear.mark()
    peer.send(IPv6(src=peer.care_of, dst=HOME_AGENTS) / ICMPv6HAADRequest(id=identifier))

    def is_reply(heard):
        return ICMPv6HAADReply in IPv6(heard) and IPv6(heard)[ICMPv6HAADReply].id == identifier
    reply = IPv6(peer.ear.wait(is_reply, "a Home Agent Address Discovery Reply", since))
    assert reply.src == "2001:db8:100::1"
    return reply[ICMPv6HAADReply].addresses


def test_home_agent_address_discovery(away, lab):
    """RFC 6275, 10.5: of the gateway, and of another home agent that advertises itself at home."""
    assert set(discover(away, 1)) == OWN_HOME_AGENTS
    router = lab.host.mac("eth0")
    advertised = (Ether(src=router, dst="33:33:00:00:00:01")
                  / IPv6(src="fe80::beef", dst="ff02::1", hlim=255)
                  / ICMPv6ND_RA(H=1, routerlifetime=0)
                  / ICMPv6NDOptPrefixInfo(prefix="2001:db8:100::77", prefixlen=64, L=1, A=0, R=1)
                  / ICMPv6NDOptHAInfo(pref=7, lifetime=60))
    link = lab.host.packet_socket("eth0")
    link.send(bytes(advertised))
    wait_for(lambda: len(discover(away, 2)) == 3, "the other one to be told")
    addresses = discover(away, 3)
    assert addresses[0] == "2001:db8:100::77" and set(addresses[1:]) == OWN_HOME_AGENTS
    advertised[ICMPv6ND_RA].H = 0
    del advertised[ICMPv6ND_RA].cksum
    link.send(bytes(advertised))
    wait_for(lambda: set(discover(away, 4)) == OWN_HOME_AGENTS, "the other one to be forgotten")
    link.close()


def test_mobile_prefix_discovery(away, subscriber):
    """RFC 6275, 10.6."""
    node = subscriber()
    home = node["home_addresses"][0]
    away.register(node)
    since = away.ear.mark()
    away.send(IPv6(src=away.care_of, dst=HOME_AGENT) / IPv6ExtHdrDestOpt(options=[HAO(hoa=home)])
              / ICMPv6MPSol(id=77))
    answer = IPv6(away.ear.wait(lambda heard: ICMPv6MPAdv in IPv6(heard), "an advertisement", since))
    assert (answer.src, answer.dst) == (HOME_AGENT, away.care_of)
    assert (answer[IPv6ExtHdrRouting].type, answer[IPv6ExtHdrRouting].addresses) == (2, [home])
    advertisement = answer[ICMPv6MPAdv]
    assert (advertisement.id, advertisement.flags) == (77, 0)
    prefix = advertisement[ICMPv6NDOptPrefixInfo]
    assert (prefix.prefix, prefix.prefixlen) == ("2001:db8:100::1", 64)
    assert (prefix.L, prefix.A, prefix.R) == (1, 1, 1)
