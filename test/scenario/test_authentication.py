"""RFC 4285: who may register, and protection against replay."""

import pytest

import mip6
from lab.topology import HOME_AGENT

REPLAY_OPTION = 10


@pytest.fixture
def node(peer, subscriber):
    peer.attach("a")
    return subscriber()


def test_wrong_key(peer, node, control):
    answer = peer.exchange(peer.update(node, key=bytes(16)))
    assert answer.status == 146
    assert answer.authentic(bytes.fromhex(node["key"]), peer.care_of, node["home_addresses"][0])
    assert control.binding(node["home_addresses"][0]) is None


@pytest.mark.parametrize("at", [6, 11, -1], ids=["sequence number", "lifetime", "authenticator"])
def test_one_changed_octet(peer, node, control, at):
    """The checksum is good again, so that only the authenticator tells."""
    packet = bytearray(peer.update(node))
    start = mip6.octets_before_mh(packet)
    message = packet[start:]
    message[at] ^= 0x40
    packet[start:] = mip6.with_checksum(message, node["home_addresses"][0], HOME_AGENT)
    assert peer.exchange(bytes(packet)).status == 146
    assert control.binding(node["home_addresses"][0]) is None


def test_unknown_node_is_not_answered_but_counted(peer, node, subscriber, counted):
    stranger = node | {"mn_id": "stranger@example.org"}
    assert peer.ignored(subscriber(), peer.update(stranger)) == []
    assert counted("drop_bu_unknown_node") == 1


def test_without_authentication_option(peer, node, subscriber, counted, control):
    assert peer.ignored(subscriber(), peer.update(node, spi=None)) == []
    assert counted("drop_bu_auth_absent") == 1
    assert control.binding(node["home_addresses"][0]) is None


def test_unknown_spi(peer, node, subscriber, counted):
    assert peer.ignored(subscriber(), peer.update(node, spi=node["spi"] + 77)) == []
    assert counted("drop_bu_spi") == 1


def test_missing_timestamp(peer, node, control):
    answer = peer.exchange(peer.update(node, timestamp=False))
    assert answer.status == 145
    assert control.binding(node["home_addresses"][0]) is None


def test_replayed_update(peer, node, control):
    """Status 144 carries the home agent's own idea of the time when the difference is too large,
    and the timestamp must rise otherwise (RFC 4285, 6)."""
    packet = peer.update(node)
    assert peer.exchange(packet).status == 0
    peer.attach("b")
    peer.register(node)
    peer.attach("a")
    assert peer.exchange(packet).status == 144
    assert control.binding(node["home_addresses"][0])["care_of_address"] == "2001:db8:b::99"


@pytest.mark.parametrize("offset", [-3600, -30, 30, 3600])
def test_clock_too_far_off(peer, node, control, offset):
    answer = peer.exchange(peer.update(node, timestamp=mip6.ntp_now(offset)))
    assert answer.status == 144
    told = int.from_bytes(answer.options[REPLAY_OPTION], "big")
    assert abs(told - mip6.ntp_now()) < 60 << 32
    assert control.binding(node["home_addresses"][0]) is None


def test_acknowledgement_echoes_the_timestamp(peer, node):
    stamp = mip6.ntp_now()
    answer = peer.exchange(peer.update(node, timestamp=stamp))
    assert int.from_bytes(answer.options[REPLAY_OPTION], "big") == stamp


def test_sequence_number_only_matches_with_timestamps(peer, node):
    """RFC 4285, 7: with timestamps the sequence number does not protect."""
    assert peer.register(node, sequence=500).sequence == 500
    assert peer.register(node, sequence=3).sequence == 3


def test_node_exempt_from_authentication(peer, subscriber):
    peer.attach("a")
    node = subscriber(auth="none", spi=None, key=None, replay="sequence")
    answer = peer.exchange(peer.update(node, timestamp=False))
    assert answer.status == 0
