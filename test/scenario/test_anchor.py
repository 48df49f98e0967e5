"""The local mobility anchor (RFC 5213, 5), with mobile access gateways that the tests play."""

import concurrent.futures
import contextlib
import ipaddress
import signal

import pytest
from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

import mip6
import pmip6
from lab.proxy import ANCHOR, FIXED_PREFIX, GATEWAY, LINKS
from lab.system import LabError, wait_for
from lab.topology import CN
from pmip6 import PlayedGateway
from proxy_rig import NUMBERS, anchor, counted, downlink, ear, host_of, lab, node, uplink  # noqa: F401

HUGEPAGES = 64
ANCHOR_CHANGES = (
    ('max_lifetime = "420s";', 'max_lifetime = "420s";\n\theartbeat = "1s";\n\theartbeats_missed = 2;'),
    # What ends or waits is still there when a slow machine comes to look, or to answer.
    ('delete_delay = "10s"', 'delete_delay = "600s"'), ('assign_delay = "1500ms"', 'assign_delay = "30s"'),
    ('name = "mag1"; ', 'name = "mag1"; identifier = "mag1@example.net"; '))
GRE_KEY, WRONG_KEY = 33, b"another key 1234"
WIRED = 3  # access technology


@pytest.fixture(scope="module")
def gateways(lab, anchor):
    played = {link: PlayedGateway(lab, link) for link in LINKS}
    yield played
    for gateway in played.values():
        gateway.close()


@pytest.fixture
def mag1(anchor, gateways):
    anchor.require()
    return gateways["1"]


@pytest.fixture
def mag2(gateways):
    return gateways["2"]


def test_registration(lab, anchor, mag1, node, ear):
    answer = mag1.register(node, sequence=4711, lifetime=30, link_local="::", timestamp=(sent := pmip6.now()))
    assert (answer.source, answer.destination) == (ANCHOR, GATEWAY["1"])
    assert (answer.sequence, answer.lifetime, answer.bits) == (4711, 30, 0x20)
    assert answer.checksum_good() and answer.signed(mag1.key, mag1.care_of)
    assert answer.home is None  # no type 2 routing header (5.3.6)
    assert answer.text(pmip6.MN_ID) == node
    assert answer.options[pmip6.HANDOFF][1] == pmip6.NEW_INTERFACE
    assert answer.options[pmip6.ACCESS][1] == pmip6.WLAN
    assert answer.number(pmip6.TIMESTAMP) == sent
    assert answer.options[pmip6.LINK_ID][2:] == node.encode()[:6]
    assert answer.options[pmip6.LINK_LOCAL] == mip6.address("fe80::200:5eff:fe00:5213")
    assert len(answer.prefixes) == 1 and answer.prefixes[0].startswith("2001:db8:40")
    session, = anchor.sessions("--mn-id", node)
    assert session["prefixes"] == answer.prefixes
    assert (session["gateway"], session["care_of_address"]) == ("mag1", GATEWAY["1"])
    assert (session["state"], session["lifetime_s"]) == ("live", 120)
    assert lasting(session) == lasting(anchor.sessions("--address", host_of(answer))[0])
    packet = downlink(lab, mag1, host_of(answer, 0xbeef), b"downward")
    assert packet[8:40] == mip6.address(ANCHOR) + mip6.address(GATEWAY["1"])
    uplink(ear, mag1, host_of(answer, 0xcafe), b"upward!!")


def test_handover_keeps_the_prefix(lab, anchor, mag1, mag2, node, ear, counted):
    first = mag1.register(node)
    second = mag2.register(node, handoff=pmip6.OTHER_GATEWAY)
    assert second.prefixes == first.prefixes and second.signed(mag2.key, mag2.care_of)
    session, = anchor.sessions("--mn-id", node)
    assert session["gateway"] == "mag2"
    downlink(lab, mag2, host_of(first), b"over two")
    uplink(ear, mag2, host_of(first), b"from two")
    # What the gateway before still sends is not forwarded.
    mag1.send_inner(IPv6(src=host_of(first), dst=CN) / UDP() / Raw(b"from one"))
    wait_for(lambda: counted("wrong_care_of") == 1, "the packet to be dropped")
    # And it cannot end what is no longer its own.
    mag1.send(mag1.update(node, lifetime=0))
    wait_for(lambda: counted("lma_ignored_other_gateway") == 1, "the message to be ignored")
    assert anchor.sessions("--mn-id", node)[0]["state"] == "live"


def test_deregistration_and_return(lab, anchor, mag1, mag2, node):
    first = mag1.register(node)
    end = mag1.exchange(mag1.update(node, lifetime=0, handoff=pmip6.UNKNOWN))
    assert (end.status, end.lifetime, end.prefixes) == (0, 0, first.prefixes)
    assert anchor.sessions("--mn-id", node)[0]["state"] == "ending"
    back = mag2.register(node, handoff=pmip6.OTHER_GATEWAY)
    assert back.prefixes == first.prefixes
    downlink(lab, mag2, host_of(first), b"returned")


@pytest.mark.parametrize("status, changes", [
    (129, {"flags": pmip6.A | pmip6.P | pmip6.D}),
    (146, {"key": WRONG_KEY}),
    (152, {"mn_id": "barred@example.net"}),
    (153, {"mn_id": "host@elsewhere.example"}),
    (155, {"prefixes": ["2001:db8:5000::/64"]}),
    (156, {"timestamp": 1}),
    (158, {"prefixes": []}),
    (160, {"mn_id": None}),
    (161, {"handoff": None}),
    (162, {"access": None}),
])
def test_refusals(mag1, node, status, changes):
    if changes.get("timestamp"):
        changes = {"timestamp": pmip6.now(-60)}
    answer = mag1.exchange(mag1.update(node, **changes))
    assert answer.status == status
    if status == 146:
        assert pmip6.AUTH not in answer.kinds
    else:
        assert answer.signed(mag1.key, mag1.care_of)
    # Mandatory in every answer (5.3.6).
    assert {pmip6.MN_ID, pmip6.PREFIX, pmip6.HANDOFF, pmip6.ACCESS} <= set(answer.kinds)
    if status == 156:
        assert abs(answer.number(pmip6.TIMESTAMP) - pmip6.now()) < 20 * 65536


@pytest.mark.parametrize("bit", range(16))
def test_flags(anchor, mag1, node, counted, bit):
    """What this anchor does not do is not answered as if it did; A, P and D decide."""
    flags = (pmip6.A | pmip6.P) ^ 1 << bit
    packet = mag1.update(node, flags=flags, extra=[(GRE_KEY, bytes(2) + b"key!")] if bit == 7 else ())
    if not flags & pmip6.P:
        mag1.send(packet)
        wait_for(lambda: counted("lma_drop_not_proxy") == 1, "the message to be dropped")
        assert anchor.sessions("--mn-id", node) == []
        return
    answer = mag1.exchange(packet)
    # RFC 5845, 6.4: there is GRE, but no TLV header.
    assert (answer.status, answer.bits) == (129 if flags & pmip6.D else 3 if bit == 7 else 0, 0x20)
    assert (GRE_KEY in answer.kinds) == (bit == 7)
    if answer.status < 128:
        assert anchor.sessions("--mn-id", node)[0]["prefixes"] == answer.prefixes


def test_refusals_that_need_a_session(mag1, mag2, node):
    first = mag1.register(node, timestamp=(stamp := pmip6.now(10)))
    assert mag1.exchange(mag1.update(node, timestamp=stamp - 1)).status == 157
    other = mag2.exchange(mag2.update("thief" + node, prefixes=first.prefixes))
    assert other.status == 155
    both = [*first.prefixes, "2001:db8:4000:ffff::/64"]
    wrong = mag1.exchange(mag1.update(node, prefixes=both, timestamp=stamp + 1))
    assert wrong.status == 159
    bare = mag1.exchange(mag1.update(node, timestamp=False, sequence=first.sequence + 1),
                         sequence=first.sequence + 1)
    assert bare.status == 156


@pytest.mark.parametrize("apart", [-60, 60])
def test_clock_of_a_gateway_is_wrong(mag1, node, counted, apart):
    """RFC 5213, 5.5: before and behind the window, told with the anchor's time; then all is well."""
    answer = mag1.exchange(mag1.update(node, timestamp=pmip6.now(apart)))
    assert answer.status == 156 and counted("lma_pba_refused_156") == 1
    right = answer.number(pmip6.TIMESTAMP)
    assert abs(right - pmip6.now()) < 20 * 65536
    assert mag1.register(node, timestamp=right).prefixes


def test_updates_that_come_twice_or_late(lab, anchor, mag1, mag2, node, ear):
    """The later of two counts, in whatever order they come; a copy of one changes nothing."""
    first = mag1.register(node, timestamp=pmip6.now(-2))
    old = mag1.update(node, handoff=pmip6.NOT_CHANGED, timestamp=pmip6.now(-1))
    moved = mag2.register(node, handoff=pmip6.OTHER_GATEWAY, timestamp=pmip6.now())
    before, = anchor.sessions("--mn-id", node)
    assert mag1.exchange(old).status == 157
    for _ in range(3):
        assert mag1.exchange(old).status == 157
    end = mag1.update(node, lifetime=0, timestamp=pmip6.now(1))
    mag1.send(end)  # of the gateway before, too late
    mag1.send(end)
    assert moved.prefixes == first.prefixes
    uplink(ear, mag2, host_of(first), b"not late")
    after, = anchor.sessions("--mn-id", node)
    assert lasting(after) == lasting(before)


def test_copies_at_once(mag1, node, counted):
    """The network doubles a message: it is worked on once, and nobody else gets a prefix for it."""
    packet = mag1.update(node)
    since = mag1.ear.mark()
    for _ in range(5):
        mag1.send(packet)

    def answers():
        return [pmip6.Answer(octets).status for octets in mag1.ear.heard(
            lambda heard: heard[48:50] == packet[46:48] and mip6.mh_type(heard) == mip6.BA, since)]
    wait_for(lambda: len(answers()) + counted("lma_drop_repeated") == 5, "all copies to be dealt with")
    assert answers()[0] == 0 and set(answers()[1:]) <= {157}
    assert counted("lma_registered") == 1


def test_a_stranger_is_refused(lab, mag1, node):
    lab.mag1.ip("address add 2001:db8:a1::66/64 dev v-core nodad")
    answer = mag1.exchange(mag1.update(node, source="2001:db8:a1::66"))
    assert (answer.status, answer.destination) == (154, "2001:db8:a1::66")
    assert pmip6.AUTH not in answer.kinds
    lab.mag1.ip("address delete 2001:db8:a1::66/64 dev v-core")


def test_unknown_handoff_waits_for_the_end(mag1, mag2, node):
    """RFC 5213, 5.4.1.2, 4: the answer comes once the gateway before has said that it is gone."""
    first = mag1.register(node)
    since = mag2.ear.mark()
    waiting = mag2.update(node, handoff=pmip6.UNKNOWN, link_id=b"other!")
    mag2.send(waiting)
    mag1.register(node, lifetime=0)
    assert mag2.answer_to(waiting, since).prefixes == first.prefixes


def test_a_node_with_two_interfaces(lab, anchor, mag1, mag2, node, ear):
    """RFC 5213, 5.4: a session for each, by access technology and link-layer identifier; one of them moves to
    another gateway, and of several none is taken over by a third interface."""
    wlan = mag1.register(node, link_id=b"wlan00")
    wired = mag2.register(node, link_id=b"eth000", access=WIRED)
    assert wlan.prefixes != wired.prefixes
    # The same identifier of another technology is another interface.
    third = mag2.register(node, link_id=b"wlan00", access=WIRED, handoff=pmip6.OTHER_INTERFACE)
    assert third.prefixes[0] not in wlan.prefixes + wired.prefixes
    sessions = anchor.sessions("--mn-id", node)
    assert {session["prefixes"][0]: (session["access_technology"], session["gateway"]) for session in sessions} == {
        wlan.prefixes[0]: ("IEEE 802.11a/b/g", "mag1"), wired.prefixes[0]: ("IEEE 802.3", "mag2"),
        third.prefixes[0]: ("IEEE 802.3", "mag2")}
    downlink(lab, mag1, host_of(wlan), b"to wlan!")
    downlink(lab, mag2, host_of(wired), b"to eth0!")
    moved = mag1.register(node, link_id=b"eth000", access=WIRED, handoff=pmip6.OTHER_GATEWAY)
    assert moved.prefixes == wired.prefixes
    downlink(lab, mag1, host_of(wired), b"to one!!")
    uplink(ear, mag2, host_of(third), b"of third")
    assert len(anchor.sessions("--mn-id", node)) == 3


def test_an_interface_takes_over(lab, anchor, mag1, mag2, node):
    """RFC 5213, 5.4.1: the only session of a node goes to another interface of it, if the handoff indicator says
    so (2), also by its prefix; without that (1) the new one gets a session of its own."""
    wlan = mag1.register(node, link_id=b"wlan00")
    wired = {"link_id": b"eth000", "access": WIRED, "handoff": pmip6.OTHER_INTERFACE}
    assert mag2.register(node, **wired).prefixes == wlan.prefixes
    back = mag1.register(node, link_id=b"wlan00", prefixes=wlan.prefixes, handoff=pmip6.OTHER_INTERFACE)
    assert back.prefixes == wlan.prefixes
    session, = anchor.sessions("--mn-id", node)
    assert (session["gateway"], session["access_technology"]) == ("mag1", "IEEE 802.11a/b/g")
    assert mag2.register(node, **wired | {"handoff": pmip6.NEW_INTERFACE}).prefixes != wlan.prefixes


def test_own_prefix(mag1):
    assert mag1.register("fixed@example.net").prefixes == [FIXED_PREFIX]


def test_messages_that_do_not_decode(mag1, node):
    """RFC 6275, 9.2, which 5.3.1 refers to: an unknown type is told."""
    packet = bytearray(mag1.update(node))
    packet[42] = 77
    since = mag1.ear.mark()
    mag1.send(packet[:40] + mip6.with_checksum(packet[40:], mag1.care_of, ANCHOR))
    error = mag1.ear.wait(lambda heard: mip6.mh_type(heard) == mip6.BE, "a Binding Error", since)
    assert error[46] == 2


def test_clearing_a_session(lab, anchor, mag1, node):
    answer = mag1.register(node)
    used = anchor.used()
    assert anchor.control.ctl("session", "clear", host_of(answer)) == f"cleared {answer.prefixes[0]}\n"
    assert anchor.sessions("--mn-id", node) == []
    assert anchor.used() < used  # and what else has ended meanwhile
    assert mag1.register(node).prefixes != answer.prefixes  # it rests


def lasting(session):
    """What time alone does not change of a session."""
    return {key: value for key, value in session.items() if key != "remaining_s"}


def revoked(anchor, gateway, node, meanwhile, status, what="session"):
    """An operator revokes a session, which is there until the gateway's answer; meanwhile(BOUND,
    INDICATION) comes before that. Again where a slow machine makes the answer come too late: an
    anchor waits three seconds for it."""
    def once():
        bound = gateway.register(node)
        since = gateway.ear.mark()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            task = pool.submit(anchor.control.ask, what, "revoke", host_of(bound))
            indication = gateway.indicated(since, pmip6.ADMINISTRATIVE, node)
            meanwhile(bound, indication)
            sessions = anchor.sessions("--mn-id", node)
            gateway.acknowledge(indication, status)
            return (told := task.result())["answer"] == "answered" and (told["answer_status"], sessions[0]["state"])

    assert wait_for(once, "an answer in time") == (status, "live")
    assert anchor.sessions("--mn-id", node) == []


@pytest.mark.parametrize("status, what", [(0, "session"), (0, "binding"), (128, "session"), (132, "binding")])
def test_operator_revokes_a_session(anchor, mag1, node, status, what):
    def meanwhile(bound, indication):
        assert indication.flags == pmip6.REVOKES_PROXY and indication.prefixes == bound.prefixes
        assert indication.signed(mag1.key, mag1.care_of)
        # It is there, but it is not extended any more.
        mag1.send(mag1.update(node, handoff=pmip6.NOT_CHANGED))
    revoked(anchor, mag1, node, meanwhile, status, what)
    with pytest.raises(LabError, match="of no binding and of no session"):
        anchor.control.ctl("binding", "revoke", "2001:db8:9::77")


def test_revocation_that_nobody_answers(anchor, mag1, node, counted):
    bound = mag1.register(node)
    since = mag1.ear.mark()
    assert anchor.control.ctl("session", "revoke", host_of(bound)) == \
        f"revoked {bound.prefixes[0]}, its gateway: unanswered\n"
    sent = [message for message in map(pmip6.Message, mag1.ear.heard(
        lambda heard: mip6.mh_type(heard) == pmip6.REVOCATION, since)) if message.prefixes == bound.prefixes]
    assert len({message.sequence for message in sent}) == 1 and len(sent) == 2
    assert anchor.sessions("--mn-id", node) == []


def test_revocation_that_a_stranger_answers(anchor, mag1, mag2, node, counted):
    """The answers of strangers, which come first, say something else than that of the gateway."""
    asked = []

    def meanwhile(_, indication):
        asked.append(indication)
        mag1.send(pmip6.revocation(mag1.care_of, pmip6.ACKNOWLEDGEMENT, 128, indication.sequence, key=WRONG_KEY,
                                   spi=mag1.spi))
        mag2.acknowledge(indication, 132)
    revoked(anchor, mag1, node, meanwhile, 0)
    wait_for(lambda: counted("lma_drop_unmatched") >= len(asked), "that of the other gateway to be dropped")
    assert counted("lma_drop_peer_auth") == len(asked)


def test_gateway_before_is_told_of_a_handover(mag1, mag2, node):
    bound = mag1.register(node)
    since = mag1.ear.mark()
    mag2.register(node, handoff=pmip6.OTHER_GATEWAY)
    indication = mag1.indicated(since, pmip6.SAME_ACCESS, node)
    assert indication.prefixes == bound.prefixes
    mag1.acknowledge(indication, 0)


@pytest.mark.parametrize("status, same", [(0, True), (132, False)])
def test_gateway_before_is_asked_about_an_unknown_handoff(mag1, mag2, node, status, same):
    """RFC 5846, 8.1: its answer counts as a deregistration, or as none."""
    bound = mag1.register(node)
    since, before = mag2.ear.mark(), mag1.ear.mark()
    waiting = mag2.update(node, handoff=pmip6.UNKNOWN, link_id=b"other!")
    mag2.send(waiting)
    mag1.acknowledge(mag1.indicated(before, pmip6.UNKNOWN_HANDOVER, node), status)
    assert (mag2.answer_to(waiting, since).prefixes == bound.prefixes) == same


@pytest.mark.parametrize("status, trigger, changes", [
    (0, 5, {}), (0, 5, {"with_prefix": True}),
    (128, 5, {"mn_id": "nobody@example.net"}), (128, 5, {"flags": 0}),
    (128, 5, {"flags": pmip6.REVOKES_PROXY | pmip6.REVOKES_IPV4}),
    (128, 5, {"prefixes": ["2001:db8:4000:abcd::/64"]}),
    (130, pmip6.PER_PEER, {"flags": pmip6.REVOKES_PROXY | pmip6.REVOKES_ALL}),
    (131, 5, {"mn_id": None}), (133, 77, {}), (134, pmip6.PER_PEER, {}),
    (133, pmip6.LOCAL_POLICY, {"flags": pmip6.REVOKES_PROXY | pmip6.REVOKES_ALL}),
    (134, 5, {"flags": pmip6.REVOKES_PROXY | pmip6.REVOKES_ALL}),
])
def test_gateway_revokes(anchor, mag1, node, status, trigger, changes):
    """RFC 5846, 8.2, each status."""
    bound = mag1.register(node)
    changes = dict(changes)
    if changes.pop("with_prefix", False):
        changes["prefixes"] = bound.prefixes
    answer = mag1.revoke(trigger, next(NUMBERS), **({"mn_id": node} | changes))
    assert answer.what == status and answer.signed(mag1.key, mag1.care_of)
    assert answer.flags == changes.get("flags", pmip6.REVOKES_PROXY)
    state = anchor.sessions("--mn-id", node)[0]["state"]
    assert state == ("ending" if status == 0 else "live")


def test_revocation_is_replayed(anchor, mag1, node, counted):
    """RFC 5846, 6.1: what a gateway once said is not believed again."""
    mag1.register(node)
    signed = {"key": mag1.key, "spi": mag1.spi, "mn_id": node}
    indication = pmip6.revocation(mag1.care_of, pmip6.INDICATION, 5, next(NUMBERS), **signed)
    mag1.send(indication)
    wait_for(lambda: anchor.sessions("--mn-id", node)[0]["state"] == "ending", "the session to end")
    mag1.register(node)
    mag1.send(indication)
    for timestamp in (False, pmip6.now(-60), pmip6.now(60)):
        mag1.send(pmip6.revocation(mag1.care_of, pmip6.INDICATION, 5, next(NUMBERS), timestamp=timestamp, **signed))
    wait_for(lambda: counted("lma_drop_replay") == 4, "all to be dropped")
    assert anchor.sessions("--mn-id", node)[0]["state"] == "live"


def test_gateway_revokes_what_is_not_its_own(anchor, mag1, mag2, node):
    mag1.register(node)
    assert mag2.revoke(5, next(NUMBERS), mn_id=node).what == 128
    assert anchor.sessions("--mn-id", node)[0]["state"] == "live"


def test_gateway_revokes_all(anchor, mag1, mag2, node):
    other = "other" + node
    mag1.register(node)
    mag2.register(other)
    everything = pmip6.REVOKES_PROXY | pmip6.REVOKES_ALL
    assert mag2.revoke(pmip6.PER_PEER, next(NUMBERS), mn_id="mag2@example.net", flags=everything).what == 130
    assert mag1.revoke(pmip6.PER_PEER, next(NUMBERS), mn_id="mag1@example.net", flags=everything).what == 0
    assert anchor.sessions("--mn-id", node)[0]["state"] == "ending"
    assert anchor.sessions("--mn-id", other)[0]["state"] == "live"


def test_heartbeats(anchor, mag1, mag2, node, counted):
    """RFC 5847, 3: they are answered, and a gateway that has lost its sessions is noticed."""
    def exchange(gateway):
        since = gateway.ear.mark()
        gateway.send(pmip6.heartbeat(gateway.care_of, 0, 4711, key=gateway.key, spi=gateway.spi))
        answer = gateway.message(pmip6.HEARTBEAT, since, wanted=lambda m: m.octets[7] == 1)
        assert answer.octets[8:12] == (4711).to_bytes(4, "big")
        assert answer.signed(gateway.key, gateway.care_of)
        return int.from_bytes(answer.option(pmip6.RESTART_COUNTER), "big")

    def answered(gateway, counter):
        """Answers the anchor's requests until it has taken that."""
        since = gateway.ear.mark()

        def taken():
            gateway.answer_heartbeats(since, counter)
            shown = peer(anchor, f"mag{gateway.link}")
            return (shown["restart_counter"], shown["state"]) == (counter, "reachable")
        gateway.message(pmip6.HEARTBEAT, since, wanted=lambda m: m.octets[7] == 0)
        wait_for(taken, "an answer to be taken", pause=0.1)

    counter, = {exchange(mag1), exchange(mag2)}
    mag1.register(node)
    answered(mag1, 7)
    answered(mag1, 7)
    assert counted("lma_gateway_restarted") == 0
    assert anchor.sessions("--mn-id", node)[0]["state"] == "live"
    # Unasked, with another counter: it is asked. Then what it registers is new.
    mag1.send(pmip6.heartbeat(mag1.care_of, 3, 0, key=mag1.key, spi=mag1.spi, counter=8))
    answered(mag1, 8)
    wait_for(lambda: counted("lma_gateway_restarted") == 1, "the restart to be noticed")
    wait_for(lambda: anchor.sessions("--mn-id", node)[0]["state"] == "ending", "the session to end")
    # And it is silent from now on.
    mag1.register(node)
    wait_for(lambda: peer(anchor, "mag1")["state"] == "lost", "the silence to be noticed")
    anchor.control.process.stop(signal.SIGKILL)
    anchor.control.start()
    wait_for(anchor.synchronised, "the data plane to be synchronised")
    assert exchange(mag1) == counter  # its sessions are still there (3.2)


def test_notification_that_nobody_answers(anchor, mag1, node, counted):
    """RFC 7077, 5: FORCE-REREGISTRATION, sent again with D; an answer of somebody else is none."""
    bound, asked = mag1.register(node), []

    def once():
        since = mag1.ear.mark()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            task = pool.submit(anchor.control.ask, "session", "renew", host_of(bound))
            first = mag1.message(pmip6.NOTIFICATION, since)
            mag1.send(pmip6.notified(mag1.care_of, first.octets[6:8], 0, key=WRONG_KEY, spi=mag1.spi))
            again = mag1.message(pmip6.NOTIFICATION, since, wanted=lambda m: m.octets[10] & 0x40)
            mag1.send(pmip6.notified(mag1.care_of, first.octets[6:8], 128, key=mag1.key, spi=mag1.spi))
            asked.append((first, again))
            return (told := task.result())["answer"] == "answered" and told

    assert wait_for(once, "an answer in time")["answer_status"] == 128
    for first, again in asked:
        assert first.octets[8:12] == bytes([0, 1, 0x80, 0]) and first.signed(mag1.key, mag1.care_of)
        assert first.option(pmip6.MN_ID) == b"\1" + node.encode()
        assert again.octets[6:8] == first.octets[6:8]
    assert counted("lma_drop_peer_auth") == len(asked)
    assert "notification-failed" in anchor.control.process.output()


def test_gateway_that_knows_no_revocation(anchor, gateways, node):
    """RFC 5846, 6.2; RFC 5847, 3; RFC 7077, 5.2: its Binding Error says so, and it is left alone."""
    old = gateways["3"]

    def ended(command, kind):
        bound = old.register(command + node)
        since = old.ear.mark()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            task = pool.submit(anchor.control.ask, "session", command, host_of(bound))
            old.message(kind, since)
            old.send(pmip6.unknown_type(old.care_of))
            return task.result()["answer"] == "unsupported"

    wait_for(lambda: ended("renew", pmip6.NOTIFICATION), "its word to come in time")
    wait_for(lambda: ended("revoke", pmip6.REVOCATION), "its word to come in time")
    bound = old.register(node)
    since = old.ear.mark()
    assert anchor.control.ask("session", "revoke", host_of(bound))["answer"] == "unsupported"
    assert not old.ear.heard(lambda heard: mip6.mh_type(heard) == pmip6.REVOCATION, since)
    with pytest.raises(LabError, match="no gateway that could be told"):
        anchor.control.ctl("session", "renew", host_of(old.register(node)))

    def refused():
        old.send(pmip6.unknown_type(old.care_of))
        return peer(anchor, "mag3")["state"] == "unsupported"
    wait_for(refused, "heartbeats to cease", pause=0.2)


def peer(anchor, name):
    return next(p for p in anchor.control.ask("peer", "show")["peers"] if p["name"] == name)


def test_a_thousand_hosts_and_a_restart(lab, anchor, mag1, mag2):
    """A prefix is never given twice, whoever dies."""
    names = [f"many{number}@example.net" for number in range(1000)]
    given = {}

    def register(gateway, some, **changes):
        since = gateway.ear.mark()
        wanted, found = {}, {}

        def ask():
            for name in some:
                if name not in found:
                    packet = gateway.update(name, link_id=name.encode()[:14], **changes)
                    wanted[packet[46:48]] = name
                    gateway.send(packet)

        def answers():
            for heard in gateway.ear.heard(lambda heard: mip6.mh_type(heard) == mip6.BA, since):
                if heard[48:50] in wanted:
                    found[wanted[heard[48:50]]] = pmip6.Answer(heard)
            return len(found) == len(some)

        for _ in range(20):  # a gateway asks again, too: an anchor may drop what waited for long
            ask()
            with contextlib.suppress(LabError):
                wait_for(answers, "answers", 6)
                return found
        raise LabError(f"{len(found)} answers of {len(some)}")

    def of_many():
        return {session["session"]: session["prefixes"] for session in anchor.sessions()
                if session["mn_id"] in given}

    for start in range(0, 600, 100):
        for name, answer in register(mag1, names[start:start + 100]).items():
            assert answer.status == 0
            given[name] = answer.prefixes
    before = of_many()
    anchor.control.process.stop(signal.SIGKILL)
    anchor.control.start()
    wait_for(anchor.synchronised, "the data plane to be synchronised")
    assert of_many() == before
    for start in range(600, 1000, 100):
        for name, answer in register(mag2, names[start:start + 100]).items():
            assert answer.status == 0
            given[name] = answer.prefixes
    assert len({prefixes[0] for prefixes in given.values()}) == 1000
    for name, answer in register(mag2, names[:5], handoff=pmip6.OTHER_GATEWAY).items():
        assert answer.prefixes == given[name]
    downlink(lab, mag2, given[names[0]][0].replace("::/64", "::5"), b"alive!!!")


def test_both_programs_restart(lab, anchor, mag1, node, ear):
    answer = mag1.register(node)
    for process in (anchor.control.process, anchor.data_plane.process):
        process.stop(signal.SIGKILL)
    anchor.start()
    downlink(lab, mag1, host_of(answer), b"restart!")
    uplink(ear, mag1, host_of(answer), b"restart?")
    assert mag1.register(node).prefixes == answer.prefixes


def test_another_configuration(anchor, mag1, node):
    """Nobody gets what overlaps a prefix of a session from before. A pool can be empty, and without timestamps
    numbers count."""
    first = mag1.register(node).prefixes[0]
    pool = ipaddress.ip_network(first).supernet(new_prefix=52)
    anchor.control.process.stop()
    anchor.control.reconfigure(
        ('prefix = "2001:db8:4000::/40"; length = 64; }',
         f'prefix = "{pool}"; length = 60; }}, {{ name = "tiny"; prefix = "2001:db8:7100::/64"; }}'),
        ("nodes = (", 'nodes = ( { match = "@tiny.net"; pool = "tiny"; },'),
        ('timestamp_window = "30s"', 'timestamp_window = "30s"; timestamps = false'))
    anchor.control.start()
    wait_for(anchor.synchronised, "the data plane to be synchronised")
    taken = {ipaddress.ip_network(prefix) for session in anchor.sessions() for prefix in session["prefixes"]}
    kept_out = {prefix.supernet(new_prefix=60) for prefix in taken if prefix.subnet_of(pool)}
    assert anchor.used() == len(kept_out) > 0
    for number in range(20):
        given = ipaddress.ip_network(mag1.register(f"{number}{node}", timestamp=False).prefixes[0])
        assert given.prefixlen == 60 and not any(given.overlaps(prefix) for prefix in taken)
        taken.add(given)
    extension = {"timestamp": False, "handoff": pmip6.NOT_CHANGED, "sequence": next(mag1.sequences)}
    assert mag1.register(node, **extension).prefixes == [first]
    again = mag1.exchange(mag1.update(node, **extension))
    assert again.status == 135 and pmip6.TIMESTAMP not in again.kinds
    assert mag1.register("a@tiny.net", timestamp=False).prefixes == ["2001:db8:7100::/64"]
    assert mag1.exchange(mag1.update("b@tiny.net", timestamp=False)).status == 130
