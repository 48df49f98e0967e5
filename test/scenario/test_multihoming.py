"""Several care-of addresses at once (RFC 5648): against the home agent by packets built with scapy, and
with the real dmm-mn on two interfaces."""

import socket

import pytest
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6, MIP6OptUnknown

from lab.system import wait_for
from lab.topology import CN, HOME_ADDRESS, HOME_AGENT, VISITED_PREFIX
from mip6 import BID_OPTION, bid
from peer import CARE_OF, inner_of

MALFORMED, NON_MCOA, UNKNOWN_COA, NOT_HOME_AGENT = 164, 165, 167, 133
NOT_COMPLETE, INVALID_COA, AT_HOME, RESOURCES, ROUTER = 4, 174, 169, 130, 140
OTHER = "2001:db8:a::98"  # a second address of the peer


@pytest.fixture
def node(peer, subscriber):
    """A subscriber on link A."""
    values = subscriber()
    peer.attach("a")

    def update(*bids, **changes):
        changes = {"more": bids} | changes
        return peer.exchange(peer.update(values, **changes))
    update.home = values["home_addresses"][0]
    update.values = values
    return update


def shown(control, home):
    return {b["bid"]: b["care_of_address"] for b in control.bindings() if b["home_address"] == home}


def with_traffic(control, home):
    """The bindings of a bound node with what they carried, once the data plane has told that."""
    def told():
        found = control.ask("binding", "show", "--traffic", "--home-address", home)["bindings"]
        return all(binding["traffic"] for binding in found) and found
    return wait_for(told, "the data plane to tell what it counts")


def test_bindings_are_added_replaced_and_ended(node, control):
    answer = node(bid(2, CARE_OF["a"], priority=5, status=130), overwrite=True)
    assert (answer.status, answer.bids) == (0, [(2, 0)])
    assert answer.checksum_good()
    key = bytes.fromhex(node.values["key"])
    assert answer.authentic(key, CARE_OF["a"], node.home)
    answer = node(bid(1, OTHER))
    assert (answer.status, answer.bids) == (0, [(1, 0)])
    assert shown(control, node.home) == {1: OTHER, 2: CARE_OF["a"]}
    rank = {b["bid"]: (b["priority"], b["rank"]) for b in control.bindings()}
    assert rank == {1: (None, 2), 2: (5, 1)}
    # One is refreshed without its address; then one of them is ended, then all.
    assert node(bid(1)).status == 0
    assert node(bid(2, status=130), lifetime=0).bids == [(2, 0)]
    assert shown(control, node.home) == {1: OTHER}
    assert node(bid(1, OTHER), bid(7, CARE_OF["a"])).bids == [(1, 0), (7, 0)]
    assert node(lifetime=0).status == 0
    assert shown(control, node.home) == {}


def test_each_option_has_a_status(node, control):
    before = control.drops()
    answer = node(bid(1, CARE_OF["a"]), bid(0, OTHER), bid(3, "ff02::1"), bid(4),
                  bid(1, OTHER), bid(5, "2001:db8:100::20"), bid(6, OTHER, home=True), overwrite=True)
    assert answer.status == NOT_COMPLETE
    assert answer.bids == [(1, 0), (0, MALFORMED), (3, MALFORMED), (4, UNKNOWN_COA), (1, MALFORMED),
                           (5, INVALID_COA), (6, AT_HOME)]
    assert shown(control, node.home) == {1: CARE_OF["a"]}
    after = control.drops()
    for counter in ("bid_zero", "bid_address", "bid_unknown", "bid_repeated", "bid_taken", "bid_at_home",
                    "ba_partial"):
        assert after[counter] == before[counter] + 1, counter
    answer = node(bid(9), bid(1), lifetime=0)
    assert (answer.status, answer.bids) == (NOT_COMPLETE, [(9, NOT_HOME_AGENT), (1, 0)])
    assert shown(control, node.home) == {}


def test_there_are_no_ipv4_care_of_addresses(node, control, counted):
    """RFC 5648, 4.3 and 6.2: length 8. What stands beside it is registered."""
    ipv4 = MIP6OptUnknown(otype=BID_OPTION, odata=bytes([0, 2, 0, 0, 192, 0, 2, 9]))
    answer = node(bid(1, CARE_OF["a"]), ipv4, overwrite=True)
    assert (answer.status, answer.bids) == (NOT_COMPLETE, [(1, 0), (2, INVALID_COA)])
    assert shown(control, node.home) == {1: CARE_OF["a"]}
    assert counted("bid_ip4") == 1


def test_a_wrong_length_refuses_the_whole(node, control):
    for length in (0, 3, 5, 19, 21):
        answer = node(bid(1, CARE_OF["a"]), bid(2, OTHER, length=length), overwrite=True)
        assert answer.status == MALFORMED
        assert len(answer.bids) == 2
    assert shown(control, node.home) == {}


def test_one_refusal_stands_in_the_acknowledgement(node, control):
    answer = node(bid(4))
    assert (answer.status, answer.bids) == (UNKNOWN_COA, [(4, 0)])
    assert node(flags="AHR").status == ROUTER
    assert node(bid(4), lifetime=0).status == NOT_HOME_AGENT
    assert node().status == 0
    assert node(bid(1, CARE_OF["a"])).status == NON_MCOA
    assert shown(control, node.home) == {None: CARE_OF["a"]}
    assert node(bid(1, CARE_OF["a"]), overwrite=True).status == 0
    assert shown(control, node.home) == {1: CARE_OF["a"]}
    assert node().status == 0  # without BID: replaces all
    assert shown(control, node.home) == {None: CARE_OF["a"]}


def test_the_address_of_another_node_is_refused(node, peer, subscriber, control, counted):
    """RFC 5648, 10: a node cannot have packets sent to another one, unless it is heard from there."""
    victim = subscriber()
    peer.node.ip(f"address add {OTHER}/64 dev wlan0 nodad")
    assert peer.exchange(peer.update(victim, care_of=OTHER)).status == 0
    answer = node(bid(1, CARE_OF["a"]), bid(2, OTHER), overwrite=True)
    assert (answer.status, answer.bids) == (NOT_COMPLETE, [(1, 0), (2, INVALID_COA)])
    assert shown(control, node.home) == {1: CARE_OF["a"]}
    assert counted("bid_of_another") == 1


def test_no_more_than_eight(node, control):
    answer = node(*[bid(n, CARE_OF["a"]) for n in range(1, 11)], overwrite=True)
    assert answer.status == NOT_COMPLETE
    assert answer.bids == [(n, 0) for n in range(1, 9)] + [(9, RESOURCES), (10, RESOURCES)]
    assert len(shown(control, node.home)) == 8


def test_the_best_path_is_used_and_all_are_accepted(node, peer, lab, control):
    peer.node.ip(f"address add {OTHER}/64 dev wlan0 nodad")
    assert node(bid(1, CARE_OF["a"], priority=9), bid(2, OTHER, priority=3), overwrite=True).status == 0
    lab.cn.run("ping", "-c", "1", "-W", "1", node.home, check=False)

    def tunnelled(to):
        return lambda octets: IPv6(octets).dst == to and inner_of(octets) is not None
    peer.ear.wait(tunnelled(OTHER), "the ping on the preferred path")
    assert not peer.ear.heard(tunnelled(CARE_OF["a"]))
    for source in (CARE_OF["a"], OTHER):
        before = control.drops()
        inner = IPv6(src=node.home, dst=CN, hlim=64) / ICMPv6EchoRequest()
        since = peer.ear.mark()
        peer.send(IPv6(src=source, dst=HOME_AGENT) / inner)
        peer.ear.wait(lambda octets: (found := inner_of(octets)) is not None and found.src == CN,
                      "the answer to what came from " + source, since)
        assert control.drops().get("tunnel_source", 0) == before.get("tunnel_source", 0)
    # The preferred one ends: the other is used at once.
    assert node(bid(2), lifetime=0).status == 0
    since = peer.ear.mark()
    lab.cn.run("ping", "-c", "1", "-W", "1", node.home, check=False)
    peer.ear.wait(tunnelled(CARE_OF["a"]), "the ping on the other path", since)


def test_without_preference_packets_follow_the_node(node, peer, lab, control):
    """RFC 5648, 3: the binding that was last verified by packets or signalling; and what binding show
    tells of each path."""
    peer.node.ip(f"address add {OTHER}/64 dev wlan0 nodad")
    assert node(bid(1, CARE_OF["a"]), bid(2, OTHER), overwrite=True).status == 0

    def goes_to(care_of):
        since = peer.ear.mark()
        lab.cn.run("ping", "-c", "1", "-W", "1", node.home, check=False)
        peer.ear.wait(lambda octets: inner_of(octets) is not None, "the ping", since)
        return [IPv6(octets).dst for octets in peer.ear.heard(
            lambda octets: inner_of(octets) is not None, since)] == [care_of]

    def speak(source):
        since = peer.ear.mark()
        peer.send(IPv6(src=source, dst=HOME_AGENT) / IPv6(src=node.home, dst=CN, hlim=64) /
                  ICMPv6EchoRequest())
        peer.ear.wait(lambda octets: inner_of(octets) is not None, "the answer", since)

    for source in (OTHER, CARE_OF["a"], OTHER):
        speak(source)
        assert goes_to(source)
    # A Binding Update from the other one.
    assert node(bid(1), bid(2)).status == 0
    assert goes_to(CARE_OF["a"])

    shown = with_traffic(control, node.home)
    one, two = sorted(shown, key=lambda binding: binding["bid"])
    assert (one["path"], two["path"]) == ("up", "up")
    assert (one["traffic"]["preferred"], two["traffic"]["preferred"]) == (True, False)
    assert (one["traffic"]["in_packets"], two["traffic"]["in_packets"]) == (1, 2)
    assert (one["traffic"]["out_packets"], two["traffic"]["out_packets"]) == (3, 4)
    assert two["traffic"]["in_octets"] == 2 * 48
    assert two["traffic"]["last_in"] > one["traffic"]["last_in"] > one["registered"]
    assert OTHER in control.ctl("binding", "show", "--traffic", "--mn-id", node.values["mn_id"])
    with pytest.raises(Exception, match="needs --home-address or --mn-id"):
        control.ctl("binding", "show", "--traffic")


def test_all_survive_a_restart(node, control, gateway):
    assert node(bid(1, CARE_OF["a"]), bid(2, OTHER), overwrite=True).status == 0
    control.process.stop()
    control.start()
    wait_for(gateway.synchronised, "the data plane to be synchronised")
    assert shown(control, node.home) == {1: CARE_OF["a"], 2: OTHER}
    assert node(bid(1), bid(2)).status == 0
    control.ctl("binding", "clear", "--bid", "1", node.home)
    assert shown(control, node.home) == {2: OTHER}


@pytest.fixture
def two(mobile_node, lab):
    """dmm-mn on link A by wlan0 and on link B by lte0; what changes of its configuration to start it
    with."""
    if not lab.mn.has_link("lte0"):
        lab.radio("mn", "lte0", "mn-lte")

    def start(mode, flows=""):
        mobile_node.reconfigure(('interfaces = ["wlan0"]', 'interfaces = ["wlan0", "lte0"]'),
                                ('multihoming = "off";', f'multihoming = "{mode}";\n{flows}'))
        lab.plug("a")
        lab.plug("b", "mn-lte")
        mobile_node.start()
        return mobile_node
    yield start
    lab.plug(None, "mn-lte")


def links(control):
    """The links that HOME_ADDRESS is bound from, by BID."""
    def link_of(care_of):
        return next((link for link, prefix in VISITED_PREFIX.items()
                     if care_of and care_of.startswith(prefix[:-1])), None)
    return {number: link_of(care_of) for number, care_of in shown(control, HOME_ADDRESS).items()}


@pytest.mark.parametrize("mode", ["bulk", "single"])
def test_mobile_node_uses_both_interfaces(two, lab, control, mode):
    two(mode)
    wait_for(lambda: links(control) == {1: "a", 2: "b"}, "both to be registered")
    answers = lambda: "1 received" in lab.cn.run("ping", "-c", "1", "-W", "1", HOME_ADDRESS, check=False)
    wait_for(answers, "the home address to answer")
    lab.plug(None)
    wait_for(lambda: links(control) == {2: "b"}, "the binding of the lost interface to end")
    wait_for(answers, "the home address to answer by the other")
    lab.plug("a")
    wait_for(lambda: links(control) == {1: "a", 2: "b"}, "both to be registered again")


def test_mobile_node_takes_what_the_home_agent_gives(two, lab, control, policy):
    policy("bulk = false;")
    node = two("bulk")
    wait_for(lambda: links(control) == {1: "a", 2: "b"}, "both to be registered one by one")
    # All at once is not asked for again, but for updates that were repeated before the refusal came.
    refused = control.drops()["ba_refused_168"]
    assert refused >= 1
    lab.plug(None, "mn-lte")
    wait_for(lambda: links(control) == {1: "a"}, "the binding of the lost interface to end")
    lab.plug("b", "mn-lte")
    wait_for(lambda: links(control) == {1: "a", 2: "b"}, "both to be registered again")
    assert control.drops()["ba_refused_168"] == refused
    policy("max_bindings = 0;")
    node.node.run("ip", "link", "set", "lte0", "down")
    node.node.run("ip", "link", "set", "lte0", "up")
    wait_for(lambda: links(control) == {None: "a"}, "the preferred one to be registered without BID")
    assert control.drops()["ba_refused_166"] >= 1  # what was on its way is refused, too
    wait_for(lambda: node.status()["state"] == "registered", "the node to be content")


def test_mobile_node_hears_of_a_revocation(two, control):
    node = two("bulk")
    wait_for(lambda: links(control) == {1: "a", 2: "b"}, "both to be registered")
    before = control.drops()["bra_received"]
    control.ctl("binding", "clear", "--bid", "2", HOME_ADDRESS)
    wait_for(lambda: control.drops()["bra_received"] > before, "the acknowledgement")
    assert [(path["registered"], path["revoked"]) for path in node.status()["paths"]] == [
        (True, False), (False, True)]
    assert node.status()["binding"]["bound"] is True and node.status()["state"] == "registered"
    before = control.drops()["bra_received"]
    assert control.ctl("binding", "revoke", HOME_ADDRESS) == f"revoked {HOME_ADDRESS}\n"
    wait_for(lambda: control.drops()["bra_received"] > before, "the second acknowledgement")
    wait_for(lambda: node.status()["state"] == "revoked", "the node to know", 60)
    said = node.status()
    assert said["binding"]["revoked"] and all(path["revoked"] for path in said["paths"])
    assert links(control) == {}


def test_mobile_node_tells_its_paths(two, control):
    node = two("bulk")
    wait_for(lambda: len(paths := node.status()["paths"] or []) == 2 and all(path["registered"] for path in paths),
             "both to be registered")
    assert [(path["interface"], path["bid"], path["status"]) for path in node.status()["paths"]] == [
        ("wlan0", 1, 0), ("lte0", 2, 0)]


def test_mobile_node_sends_by_the_interface_of_the_flow(two, lab, control):
    """Both directions of a flow take the interface that the policy names; when that is gone, another;
    what belongs to no flow takes the preferred one. The source is the home address in any case."""
    node = two("bulk", 'flows = ({ id = 1; protocol = 17; remote_port = 9000; interfaces = ["lte0"]; });')

    def registered():
        paths = node.status()["paths"] or []
        return (links(control) == {1: "a", 2: "b"} and len(paths) == 2
                and all(path["registered"] for path in paths))

    wait_for(registered, "both to be registered, and the node to know it")

    def arrived():
        return {binding["bid"]: binding["traffic"]["in_packets"] for binding in with_traffic(control, HOME_ADDRESS)}

    def sent(port):
        """The BID by which a packet to this port of the correspondent came to the gateway."""
        before = arrived()
        with node.node.socket(socket.AF_INET6, socket.SOCK_DGRAM) as plain:
            plain.sendto(b"x", (CN, port))
        wait_for(lambda: sum(arrived().values()) > sum(before.values()), "the packet to arrive")
        return [bid for bid, count in arrived().items() if count > before.get(bid, 0)]

    assert sent(9000) == [2]
    assert sent(9001) == [1]
    paths = {path["interface"]: path["out_packets"] for path in node.status()["paths"]}
    assert paths["lte0"] == 1 and paths["wlan0"] >= 1
    lab.plug(None, "mn-lte")
    wait_for(lambda: links(control) == {1: "a"}, "the binding of the lost interface to end")
    lab.plug("b", "mn-lte")
    wait_for(registered, "both to be registered again")
    assert sent(9000) == [2]
