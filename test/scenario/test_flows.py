"""Flow bindings (RFC 6089) as a node and its correspondent see them: which packets come to which
care-of address, and what the acknowledgements say."""

import signal
import socket

import pytest
from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6, fragment6, IPv6ExtHdrFragment
from scapy.packet import Raw

from lab.system import LabError, wait_for
from lab.topology import CN
from mip6 import bid, flow, reference, statuses, summary, udp_from
from peer import CARE_OF, Ear, inner_of

WLAN, LTE = CARE_OF["a"], "2001:db8:a::98"
NOT_COMPLETE, RESOURCES = 4, 130
OK, PROHIBITED, REJECTED, MALFORMED, NO_BID, NO_FID, FORMAT = 0, 128, 129, 130, 131, 132, 133


class Node:
    """A node with two care-of addresses; the first is the preferred one."""

    def __init__(self, peer, subscriber):
        self.peer, self.subscriber = peer, subscriber
        self.home = subscriber["home_addresses"][0]

    def bind(self, *flows, bids=(1, 2)):
        both = {1: bid(1, WLAN, priority=10), 2: bid(2, LTE, priority=20)}
        return self.ask(*[both[b] for b in bids], *flows, overwrite=True)

    def ask(self, *options, **changes):
        return self.peer.exchange(self.peer.update(self.subscriber, more=options, **changes))


@pytest.fixture
def node(peer, subscriber):
    peer.attach("a")
    peer.node.ip(f"address add {LTE}/64 dev wlan0 nodad")
    return Node(peer, subscriber())


@pytest.fixture
def sent(lab, peer, node):
    """sent(PORT): the care-of addresses that a packet from this port of the correspondent comes to."""
    raw = lab.cn.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
    marks = iter(range(1 << 30))

    def send(port, copies=1, pieces=False):
        mark = b"packet%08d" % next(marks)
        size = 2400 if pieces else 64
        head = IPv6(src=CN, dst=node.home, hlim=64)
        if pieces:
            head /= IPv6ExtHdrFragment()
        packet = head / UDP(sport=port, dport=9) / Raw(mark * (size // len(mark)))
        since = peer.ear.mark()

        def wanted(heard):
            inner = inner_of(heard)
            return inner is not None and mark[-8:] in bytes(inner)

        parts = fragment6(packet, 1280) if pieces else [packet]
        for part in parts:
            raw.sendto(bytes(part), (node.home, 0))
        want = copies * len(parts)
        wait_for(lambda: len(peer.ear.heard(wanted, since)) >= want, f"{want} packets", 60)
        return [IPv6(heard).dst for heard in peer.ear.heard(wanted, since)]

    yield send
    raw.close()


def test_packets_take_the_path_that_their_flow_names(node, sent):
    answer = node.bind(flow(1, 100, reference(2), udp_from(5000)),
                       flow(2, 50, reference(1), udp_from(5000, 5009)),
                       flow(3, 200, reference(2), udp_from(5009, 5019)))
    assert answer.status == 0
    assert statuses(answer) == [(1, OK), (2, OK), (3, OK)]
    assert sent(5000) == [WLAN]  # two match: the lower FID-PRI counts
    assert sent(5010) == [LTE]
    assert sent(5020) == [WLAN]  # none matches: the preferred one


def test_a_flow_is_refreshed_changed_and_gone(node, sent):
    node.bind(flow(1, 100, reference(2), udp_from(5000)), flow(2, 200, reference(2), udp_from(5001)))
    assert (sent(5000), sent(5001)) == ([LTE], [LTE])
    answer = node.bind(summary(1, 9))
    assert statuses(answer) == [(9, NO_FID)]
    assert (sent(5000), sent(5001)) == ([LTE], [WLAN])
    assert statuses(node.bind(flow(1, 100, udp_from(5002)))) == [(1, OK)]
    assert (sent(5000), sent(5002)) == ([WLAN], [LTE])
    assert statuses(node.bind()) == []
    assert sent(5002) == [WLAN]


def test_each_is_refused_alone(node, sent, counted):
    answer = node.bind(flow(1, 1, reference(7), udp_from(5000)),
                       flow(2, 2, reference(2)),
                       flow(3, 3, reference(2), udp_from(5000, kind=9)),
                       flow(4, 4, reference(2), udp_from(5000)))
    assert answer.status == 0
    assert statuses(answer) == [(1, NO_BID), (2, MALFORMED), (3, FORMAT), (4, OK)]
    assert [counted(f"flow_refused_{status}") for status in (NO_BID, MALFORMED, FORMAT)] == [1, 1, 1]
    assert sent(5000) == [LTE]


def test_a_flow_twice_in_one_message_refuses_all(node, sent, counted):
    """RFC 6089, 5.3.2. The bindings of the same message are as good as ever."""
    answer = node.bind(flow(1, 1, reference(2), udp_from(5000)), flow(2, 2, reference(2), udp_from(5001)),
                       flow(1, 3, reference(1), udp_from(5002)))
    assert (answer.status, answer.bids) == (0, [(1, 0), (2, 0)])
    assert statuses(answer) == [(1, REJECTED), (2, REJECTED), (1, REJECTED)]
    assert counted("flow_refused_129") == 3
    assert sent(5000) == [WLAN]


def test_no_more_than_the_policy_allows(policy, node, sent, control):
    policy("flows = 2;")
    before = control.drops()["flow_refused_128"]
    answer = node.bind(*[flow(n, n, reference(2), udp_from(5000 + n)) for n in (1, 2, 3)])
    assert answer.status == 0
    assert statuses(answer) == [(1, OK), (2, OK), (3, PROHIBITED)]
    assert control.drops()["flow_refused_128"] == before + 1
    assert (sent(5002), sent(5003)) == ([LTE], [WLAN])


def test_no_more_than_the_subscriber_has(peer, subscriber, counted, control):
    """Limits of its own, of which the operator is told; each has a status and a counter."""
    peer.attach("a")
    values = subscriber(max_bindings=2, max_flows=1)
    shown = control.ask("subscriber", "show", values["mn_id"])["subscribers"][0]
    assert (shown["max_bindings"], shown["max_flows"]) == (2, 1)
    answer = peer.exchange(peer.update(values, overwrite=True, more=[
        bid(1, WLAN), bid(2, LTE), bid(3, "2001:db8:a::97"),
        flow(1, 1, reference(2), udp_from(5000)), flow(2, 2, reference(2), udp_from(5001))]))
    assert (answer.status, answer.bids) == (NOT_COMPLETE, [(1, 0), (2, 0), (3, RESOURCES)])
    assert statuses(answer) == [(1, OK), (2, PROHIBITED)]
    assert (counted("bid_limit"), counted("flow_refused_128")) == (1, 1)


def test_a_copy_to_each_of_several(node, sent):
    node.bind(flow(1, 100, reference(1, 2), udp_from(5000)))
    assert sorted(sent(5000, copies=2)) == sorted([WLAN, LTE])
    assert sent(5001) == [WLAN]


def test_fragments_follow_the_first(node, sent):
    node.bind(flow(1, 100, reference(2), udp_from(5000)))
    assert set(sent(5000, pieces=True)) == {LTE}


def test_a_flow_without_its_path_waits_for_it(node, sent):
    node.bind(flow(1, 100, reference(2), udp_from(5000)))
    assert sent(5000) == [LTE]
    node.bind(summary(1), bids=(1,))
    assert sent(5000) == [WLAN]
    node.bind(summary(1))
    assert sent(5000) == [LTE]


@pytest.mark.parametrize("how", ["deregistered", "revoked", "expired"])
def test_a_flow_moves_when_its_path_ends(node, sent, control, how):
    """Whatever ends the binding; the flow is inactive then, not deleted (RFC 6089, 4.3)."""
    node.bind(flow(1, 100, reference(2), udp_from(5000)))
    assert sent(5000) == [LTE]
    if how == "revoked":
        control.ctl("binding", "clear", "--bid", "2", node.home)
    else:
        assert node.ask(bid(2), summary(1), lifetime=0 if how == "deregistered" else 1).status == 0
    wait_for(lambda: [b["bid"] for b in control.bindings() if b["home_address"] == node.home] == [1],
             "the binding to end", 60)
    assert sent(5000) == [WLAN]
    shown = control.ask("flow", "show", "--home-address", node.home)["flows"]
    assert [(f["fid"], f["active"]) for f in shown] == [(1, False)]


def explained(control, node, port):
    """What dmmctl says of such a packet: FID and BIDs."""
    answer = control.ask("flow", "explain", node.subscriber["mn_id"], "udp", CN, str(port),
                         node.home, "9")
    return answer["fid"], [path["bid"] for path in answer["paths"]]


def test_the_operator_is_told_which_and_why(node, sent, control):
    node.bind(flow(1, 100, reference(2), udp_from(5000)), flow(2, 50, reference(1, 2), udp_from(6000)))
    flows = control.ask("flow", "show")["flows"]
    assert [(f["fid"], f["priority"], f["bids"], f["active"]) for f in flows] == \
        [(2, 50, [1, 2], True), (1, 100, [2], True)]
    assert flows[1]["selector"] == {"version": 6, "source-port": "5000", "protocol": "17"}
    assert explained(control, node, 5000) == (1, [2])
    assert explained(control, node, 6000) == (2, [1, 2])
    assert explained(control, node, 7000) == (None, [1])
    said = control.ctl("flow", "explain", node.subscriber["mn_id"], "udp", CN, "5000", node.home, "9")
    assert "source-port 5000 is not 6000" in said and LTE in said
    node.bind(summary(1), bids=(1,))
    assert [f["active"] for f in control.ask("flow", "show")["flows"]] == [False]
    assert explained(control, node, 5000) == (None, [1])


@pytest.mark.parametrize("packet, right", [
    (("tcpp", CN, "1", WLAN, "2"), "nor tcp, udp, sctp, esp, ah or icmp6"),
    (("udp", CN, "70000", WLAN, "2"), "SOURCE-PORT '70000' is no number from 0 to 65535"),
    (("udp", CN, "1", WLAN, "http"), "nor '-' where it has no port"),
    (("udp", "192.0.2.1", "1", WLAN, "2"), "no IPv6 address, such as 2001:db8::1"),
    (("icmp6", CN, "1", WLAN, "2"), "expected '-' as SOURCE-PORT"),
    (("udp", CN, "1", WLAN, "2", "--spi", "9"), "only esp and ah have one"),
    (("udp", CN, "1", WLAN), "DESTINATION DESTINATION-PORT"),
    (("udp", CN, "1", WLAN, "2", "3"), "'3' is one argument too many"),
])
def test_a_wrong_question_is_told_what_would_be_right(control, packet, right):
    with pytest.raises(LabError) as wrong:
        control.ctl("flow", "explain", "node", *packet)
    assert "failed (2)" in str(wrong.value) and right in str(wrong.value)


def test_flows_outlive_control(node, sent, gateway):
    node.bind(flow(1, 100, reference(2), udp_from(5000)))
    gateway.control.process.stop(signal.SIGKILL)
    assert sent(5000) == [LTE]
    gateway.control.start()
    wait_for(gateway.synchronised, "the data plane to be synchronised again")
    assert sent(5000) == [LTE]
    assert statuses(node.bind(summary(1))) == []
    assert sent(5000) == [LTE]
