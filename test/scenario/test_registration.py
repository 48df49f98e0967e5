"""Home registration, refresh, movement, deregistration (RFC 6275, 9.5 and 10.3)."""

import mip6
from lab.system import wait_for
from lab.topology import HOME_AGENT
from peer import CARE_OF


def test_first_registration(peer, subscriber, control):
    node = subscriber()
    home, key = node["home_addresses"][0], bytes.fromhex(node["key"])
    peer.attach("a")
    answer = peer.exchange(peer.update(node, sequence=4711, lifetime=30))
    assert (answer.status, answer.sequence, answer.lifetime) == (0, 4711, 30)
    assert (answer.source, answer.destination, answer.home) == (HOME_AGENT, CARE_OF["a"], home)
    assert answer.checksum_good()
    assert answer.authentic(key, CARE_OF["a"], home)
    binding = control.binding(home)
    assert binding["care_of_address"] == CARE_OF["a"]
    assert binding["state"] == "active"
    assert binding["mn_id"] == node["mn_id"]
    assert binding["lifetime_s"] == 120
    assert binding["link"] == "home"


def test_acknowledged_without_the_flag(peer, subscriber):
    """RFC 6275, 9.5.4 leaves it open; this gateway always says what became of an update."""
    peer.attach("a")
    assert peer.exchange(peer.update(subscriber(), flags="H")).status == 0


def test_refresh_extends_the_binding(peer, subscriber, control):
    node = subscriber()
    peer.attach("a")
    peer.register(node, lifetime=10)
    registered = control.binding(node["home_addresses"][0])["registered"]
    assert peer.register(node, lifetime=50).lifetime == 50
    binding = control.binding(node["home_addresses"][0])
    assert binding["lifetime_s"] == 200
    assert binding["registered"] == registered


def test_movement_changes_the_care_of_address(peer, subscriber, control):
    node = subscriber()
    peer.attach("a")
    peer.register(node)
    peer.attach("b")
    assert peer.register(node).destination == CARE_OF["b"]
    bindings = [b for b in control.bindings() if b["mn_id"] == node["mn_id"]]
    assert [b["care_of_address"] for b in bindings] == [CARE_OF["b"]]


def test_deregistration_while_away(peer, subscriber, control):
    node = subscriber()
    peer.attach("a")
    peer.register(node)
    assert peer.register(node, lifetime=0).lifetime == 0
    assert control.binding(node["home_addresses"][0]) is None


def test_deregistration_at_home(peer, subscriber, control):
    """On its home link a node speaks from its home address, without a home address option, and
    is answered without a routing header (RFC 6275, 11.5.5 and 9.5.4)."""
    node = subscriber()
    home = node["home_addresses"][0]
    peer.attach("a")
    peer.register(node)
    peer.attach("home", home)
    answer = peer.register(node, lifetime=0, care_of=home, home_option=False)
    assert (answer.destination, answer.home, answer.lifetime) == (home, None, 0)
    assert answer.authentic(bytes.fromhex(node["key"]), home, home)
    assert control.binding(home) is None


def test_deregistration_without_binding(peer, subscriber):
    """RFC 6275, 10.3.2: not home agent for this mobile node."""
    peer.attach("a")
    assert peer.exchange(peer.update(subscriber(), lifetime=0)).status == 133


def test_alternate_care_of_address_wins_over_the_source(peer, subscriber, control):
    node = subscriber()
    peer.attach("a")
    other = "2001:db8:a::98"
    answer = peer.register(node, care_of=other, alternate=other, source=CARE_OF["a"])
    assert answer.destination == CARE_OF["a"]
    assert control.binding(node["home_addresses"][0])["care_of_address"] == other


def test_lifetime_is_clamped_to_the_subscriber_s_limit(peer, subscriber):
    peer.attach("a")
    assert peer.register(subscriber(max_lifetime_s=40), lifetime=65535).lifetime == 10


def test_refresh_is_requested_before_the_end_and_then_it_expires(peer, subscriber, control):
    node = subscriber()
    home = node["home_addresses"][0]
    peer.attach("a")
    since = peer.ear.mark()
    peer.register(node, lifetime=2)
    request = peer.ear.wait(lambda heard: mip6.mh_type(heard) == mip6.BRR, "a refresh request", since)
    assert request[24:40] == mip6.address(CARE_OF["a"])
    wait_for(lambda: control.binding(home) is None, "the binding to expire")


def test_two_nodes_do_not_disturb_each_other(peer, subscriber, control):
    first, second = subscriber(), subscriber()
    peer.attach("a")
    peer.register(first)
    peer.register(second)
    peer.register(first, lifetime=0)
    assert control.binding(first["home_addresses"][0]) is None
    assert control.binding(second["home_addresses"][0])["care_of_address"] == CARE_OF["a"]


def test_clearing_a_binding(peer, subscriber, control):
    node = subscriber()
    peer.attach("a")
    peer.register(node)
    control.ctl("binding", "clear", node["home_addresses"][0])
    assert control.binding(node["home_addresses"][0]) is None
