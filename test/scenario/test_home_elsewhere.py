"""A node on its home link and away at once (RFC 5648, 5.6), where the home link is at one of two data
planes and the other serves it away, and draws what is for it."""

import signal

import pytest

from home_and_away import HomeAndAway
from lab.system import wait_for
from lab.topology import CN
from lab.two_planes import TwoPlaneLab, TwoPlanes
from mip6 import bid, flow, reference, udp_from
from peer import CARE_OF
from rig import end, network

WITHOUT_ND = 5
RELAYED = 61  # hops that are left on the home link of what came by the other data plane


@pytest.fixture(scope="module")
def lab(build, tmp_path_factory, request):
    with network(TwoPlaneLab, request, tmp_path_factory, 240) as made:
        yield made


@pytest.fixture(scope="module")
def gateway(lab, build):
    started = TwoPlanes(lab, build)
    started.control.reconfigure(
        ('link = "home"', 'link = "dp1:home"'),
        ("serving = {", 'multihoming = { at_home = "is-defended"; };\nserving = {'))
    started.start()
    yield started
    end(*started.planes.values(), started.control)


def test_what_is_for_the_home_link_is_relayed_to_who_has_it(lab, gateway, control, peer, subscriber):
    """Until that is lost: then all goes by the other path, and again by the home link when it is back."""
    wait_for(gateway.serving, "both data planes to serve", 60)
    lab.attract("dp2")
    peer.attach("b")
    here = HomeAndAway(lab, peer, subscriber())
    away, lost = CARE_OF["b"], gateway.planes["dp1"]

    def serving():
        return {binding["bid"]: binding["data_plane"] for binding in control.bindings()
                if binding["home_address"] == here.home}

    def told(port):
        """Whether the flow is shown as active, and the BIDs that a packet takes."""
        shown = control.ask("flow", "show", "--home-address", here.home)["flows"]
        why = control.ask("flow", "explain", here.subscriber["mn_id"], "udp", CN, str(port), here.home, "9")
        return shown[0]["active"], why["fid"], [path["bid"] for path in why["paths"]]

    answer = here.bind(flow(1, 100, reference(2), udp_from(5000)))
    assert (answer.status, answer.bids) == (WITHOUT_ND, [(1, 0), (2, WITHOUT_ND)])
    assert serving() == {1: "dp2", 2: "dp1"}
    assert told(5000) == (True, 1, [2])
    wait_for(gateway.synchronised, "both data planes to know it")
    assert here.pinged(RELAYED) == "home"
    lab.attract("dp1")
    assert here.pinged() == "home"
    lab.attract("dp2")
    lost.process.stop(signal.SIGKILL)
    try:
        wait_for(lambda: serving() == {1: "dp2", 2: None}, "the home link to be given up", 60)
        wait_for(lambda: here.pinged(RELAYED) == away, "packets to come by the other path", 60)
        assert told(5000) == (False, None, [1])
    finally:
        lost.start()
        wait_for(gateway.synchronised, "it to be synchronised", 60)
    wait_for(lambda: serving() == {1: "dp2", 2: "dp1"}, "the home link to be served again", 60)
    assert told(5000) == (True, 1, [2])
    wait_for(lambda: here.pinged(RELAYED) == "home", "packets to come by the home link", 60)
    assert here.update(bid(1)).status == 0
    wait_for(lambda: here.pinged(RELAYED) == away, "packets to follow the node that has left", 60)
    here.close()
