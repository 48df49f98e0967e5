"""Binding Updates that must not bind, and the status that says why (RFC 6275, 9.5.1 and 10.3.1)."""

import pytest

from lab.system import wait_for
from peer import CARE_OF


def refused(peer, control, node, **changes):
    """The acknowledgement of an update that leaves no trace."""
    before = control.binding(node["home_addresses"][0])
    answer = peer.exchange(peer.update(node, **changes))
    after = control.binding(node["home_addresses"][0])
    assert (after and after["care_of_address"]) == (before and before["care_of_address"])
    return answer


def test_home_address_outside_every_home_prefix(peer, subscriber, control):
    peer.attach("a")
    assert refused(peer, control, subscriber(), home="2001:db8:dead::1").status == 132


def test_home_address_of_another_node(peer, subscriber, control):
    node, other = subscriber(), subscriber()
    peer.attach("a")
    peer.register(other)
    assert refused(peer, control, node, home=other["home_addresses"][0]).status == 133
    assert control.binding(other["home_addresses"][0])["mn_id"] == other["mn_id"]


def test_disabled_subscriber(peer, subscriber, control):
    peer.attach("a")
    assert refused(peer, control, subscriber(enabled=False)).status == 129


@pytest.fixture
def patient(control, gateway):
    """Duplicate address detection waits for busy neighbours until this is called, or the test ends."""
    before = control.config

    def restart():
        control.process.stop()
        control.start()
        wait_for(gateway.synchronised, "the data plane to be synchronised")

    def over():
        if control.config != before:
            control.config = before
            restart()

    control.reconfigure(('dad_retrans = "1s"', 'dad_retrans = "30s"'))
    restart()
    yield over
    over()


def test_home_address_in_use_on_the_home_link(patient, peer, lab, subscriber, control):
    node = subscriber()
    home = node["home_addresses"][0]
    lab.host.ip(f"address add {home}/64 dev eth0 nodad")
    try:
        peer.attach("a")
        assert refused(peer, control, node).status == 134
    finally:
        lab.host.ip(f"address del {home}/64 dev eth0")
    patient()
    peer.register(node)


@pytest.mark.parametrize("care_of", ["ff02::1", "ff0e::42", "fe80::1", "::1", "::", "::ffff:192.0.2.1"])
def test_care_of_address_that_is_none(peer, subscriber, control, counted, care_of):
    """Silently discarded (RFC 6275, 6.1.7), but counted."""
    node = subscriber()
    peer.attach("a")
    packet = peer.update(node, care_of=care_of, alternate=care_of, source=CARE_OF["a"])
    assert peer.ignored(subscriber(), packet) == []
    assert control.binding(node["home_addresses"][0]) is None
    assert counted("drop_bu_care_of") == 1


@pytest.mark.parametrize("care_of", ["2001:db8:100::77", "2001:db8:1::1", "2001:db8:100::1"],
                         ids=["within the home prefix", "gateway's own", "gateway's on the home link"])
def test_care_of_address_that_leads_back(peer, subscriber, control, care_of):
    node = subscriber()
    peer.attach("a")
    answer = refused(peer, control, node, care_of=care_of, alternate=care_of, source=CARE_OF["a"])
    assert answer.status == 174
    assert answer.destination == CARE_OF["a"]


def test_a_refused_move_keeps_the_old_binding(peer, subscriber, control):
    node = subscriber()
    peer.attach("a")
    peer.register(node)
    bad = "2001:db8:100::77"
    assert refused(peer, control, node, care_of=bad, alternate=bad, source=CARE_OF["a"]).status == 174
    assert control.binding(node["home_addresses"][0])["care_of_address"] == CARE_OF["a"]


class TestSequence:
    """Without timestamps the sequence number protects, modulo 2^16 (RFC 6275, 9.5.1)."""

    @pytest.fixture
    def node(self, peer, subscriber):
        peer.attach("a")
        return subscriber(replay="sequence")

    def say(self, peer, node, sequence):
        answer = peer.exchange(peer.update(node, sequence=sequence, timestamp=False))
        return answer.status, answer.sequence

    @pytest.mark.parametrize("last, offered", [
        (100, 100), (100, 99), (100, 100 + 32768), (5, 65535), (0, 32768), (65535, 65534)])
    def test_not_greater(self, peer, node, last, offered):
        assert self.say(peer, node, last) == (0, last)
        assert self.say(peer, node, offered & 0xFFFF) == (135, last)

    @pytest.mark.parametrize("last, offered", [(100, 101), (100, 100 + 32767), (65535, 0), (65000, 500)])
    def test_greater(self, peer, node, last, offered):
        assert self.say(peer, node, last) == (0, last)
        assert self.say(peer, node, offered & 0xFFFF) == (0, offered & 0xFFFF)

    def test_remembered_after_deregistration(self, peer, node):
        """A delayed update must not undo a deregistration."""
        assert self.say(peer, node, 7) == (0, 7)
        end = peer.exchange(peer.update(node, sequence=8, timestamp=False, lifetime=0))
        assert (end.status, end.lifetime) == (0, 0)
        assert self.say(peer, node, 7) == (135, 8)
