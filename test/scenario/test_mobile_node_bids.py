"""dmm-mn on two interfaces against a home agent that is none of ours: what it makes of each answer to
several care-of addresses (RFC 5648, 5.7 and 5.8)."""

import pytest

import mip6
from agent import Agent
from lab import programs
from lab.system import wait_for
from lab.topology import VISITED_PREFIX
from mip6 import BID_OPTION, FLOW, SUMMARY
from scapy.layers.inet6 import MIP6OptUnknown

ALTERNATE_COA = 3
NO_FID = 132  # a status of flows
NON_MCOA, PROHIBITED, UNKNOWN_COA, NO_BULK = 165, 166, 167, 168


def numbers(update):
    return [int.from_bytes(data[:2], "big") for _, kind, data in update.options if kind == BID_OPTION]


def has_addresses(update):
    return all(len(data) == 20 for _, kind, data in update.options if kind == BID_OPTION)


def overwrites(update):
    return bool(int.from_bytes(update.mh[8:10], "big") & mip6.OVERWRITE)


def answer(status=0):
    """An acknowledgement that has the BIDs of its update, as one that knows them makes it."""
    return lambda update: {"status": status, "more": [
        MIP6OptUnknown(otype=BID_OPTION, odata=number.to_bytes(2, "big") + bytes(2))
        for number in numbers(update)]}


def has_address(lab, interface, link):
    """Whether the node can use an address on the link."""
    return any(address.startswith(VISITED_PREFIX[link][:-1])
               for address, flags in lab.mn.addresses(interface).items()
               if "optimistic" in flags or "tentative" not in flags)


@pytest.fixture
def agent(lab):
    made = Agent(lab)
    yield made
    made.close()


@pytest.fixture
def start(lab, build, agent):
    """start(MODE, ANSWER...): dmm-mn on both interfaces, its updates answered so and then well."""
    if not lab.mn.has_link("lte0"):
        lab.radio("mn", "lte0", "mn-lte")
    lab.plug(None)
    lab.plug(None, "mn-lte")
    for name in ("mn.state", "mn.sock"):
        lab.mn.run("rm", "-f", f"/run/dmm/{name}")
    node = programs.MobileNode(lab.mn, build)

    def begin(mode, *answers, well=True, flows=""):
        # Both links, and addresses there, are there before it looks, so that it sends no update for one
        # alone.
        node.reconfigure(('interfaces = ["wlan0"]', 'interfaces = ["wlan0", "lte0"]'),
                         ('multihoming = "off";', f'multihoming = "{mode}"; {flows}'))
        agent.script = list(answers) + ([answer()] * 100 if well else [])
        lab.plug("a")
        lab.plug("b", "mn-lte")
        wait_for(lambda: has_address(lab, "wlan0", "a") and has_address(lab, "lte0", "b"),
                 "addresses on both links")
        node.start()
        return node
    yield begin
    if node.process and node.process.running():
        assert node.process.stop() == 0
    lab.plug(None)
    lab.plug(None, "mn-lte")


def settled(node, registered):
    wait_for(lambda: (status := node.status()) and status["state"] == "registered" and
             [path["registered"] for path in status["paths"]] == registered, "the node to be content", 60)


def refreshed(agent):
    """The update that a Binding Refresh Request is answered with: not in the second after another."""
    sent = len(agent.updates)
    wait_for(lambda: agent.request_refresh() or len(agent.updates) > sent, "the refresh")
    return agent.updates[sent]


def test_an_answer_without_bid_ends_it(start, agent):
    """The home agent does not know BIDs: it has made a plain binding, or none."""
    node = start("bulk", well=False)
    wait_for(lambda: agent.updates and not numbers(agent.updates[-1]), "an update without BID", 60)
    assert numbers(agent.updates[0]) and overwrites(agent.updates[0])
    plain = agent.updates[-1]
    assert plain.option(ALTERNATE_COA) == mip6.address(plain.source)
    assert not overwrites(plain)
    wait_for(lambda: node.status()["state"] == "registered", "the node to be content", 60)
    # It is not tried again.
    assert numbers(refreshed(agent)) == []


@pytest.mark.parametrize("status", [NON_MCOA, UNKNOWN_COA])
def test_what_the_home_agent_had_is_overwritten(start, agent, status):
    """Of care-of addresses that are registered one by one, a later one meets a binding without BID, or
    none: all of them begin anew, with the O flag and their addresses."""
    refused = []

    def once(update):
        if not overwrites(update) and not refused:
            refused.append(update)
            return answer(status)(update)
        return answer()(update)
    node = start("single", *[once] * 50)
    settled(node, [True, True])
    # It may be content with the first of them, before the other is refused.
    def after():
        """Before it had the answer it may have sent the same again."""
        return [update for update in agent.updates[agent.updates.index(refused[0]) + 1:]
                if overwrites(update) or numbers(update) != numbers(refused[0])]
    wait_for(lambda: refused and after(), "an update after the refused one", 60)
    next_one = after()[0]
    assert overwrites(next_one) and has_addresses(next_one) and numbers(next_one) == [1]


def test_a_refresh_request_brings_all_of_them(start, agent):
    """5.8: at least those that it names."""
    node = start("bulk")
    settled(node, [True, True])
    update = refreshed(agent)
    assert numbers(update) == [1, 2] and has_addresses(update)


FLOWS = """flows = (
{ id = 7; protocol = 17; interfaces = ["lte0"]; },
{ id = 8; protocol = 6; interfaces = ["lte0"]; });"""


def told(update):
    """The FIDs of flows that an update says all of, and of those that it only names."""
    whole = [int.from_bytes(data[:2], "big") for _, kind, data in update.options if kind == FLOW]
    named = [int.from_bytes(data[at:at + 2], "big") for _, kind, data in update.options
             if kind == SUMMARY for at in range(0, len(data), 2)]
    return whole, named


def knows(*known, lost=()):
    """An acknowledgement of a home agent that accepts these flows, and has lost those."""
    def make(update):
        return {"more": answer()(update)["more"] + [
            MIP6OptUnknown(otype=FLOW, odata=data[:6]) for _, kind, data in update.options
            if kind == FLOW and int.from_bytes(data[:2], "big") in known] + [
            MIP6OptUnknown(otype=FLOW, odata=fid.to_bytes(2, "big") + bytes([0, 0, 0, NO_FID]))
            for fid in told(update)[1] if fid in lost]}
    return make


def flows_are(node, *wanted):
    wait_for(lambda: [(flow["id"], flow["bid"], flow["status"]) for flow in node.status()["flows"]] ==
             list(wanted), "the status of the flows", 60)


def test_flows_that_are_not_answered(start, agent):
    """RFC 6089, 5.2.6: only what came back is known; what did not is told again with each update."""
    node = start("bulk", *[knows(7)] * 50, flows=FLOWS)
    settled(node, [True, True])
    flows_are(node, (7, 2, 0), (8, 2, None))
    assert told(agent.updates[-1]) == ([7, 8], [])
    assert told(refreshed(agent)) == ([8], [7])


@pytest.mark.parametrize("mode", ["bulk", "single"])
def test_flows_are_refreshed_by_a_summary(start, agent, mode):
    """RFC 6089, 5.2.3; what the home agent says that it does not know is told again."""
    node = start(mode, *[knows(7, 8)] * 50, flows=FLOWS)
    settled(node, [True, True])
    flows_are(node, (7, 2, 0), (8, 2, 0))
    assert told(refreshed(agent)) == ([], [7, 8])
    settled(node, [True, True])
    sent = len(agent.updates)
    agent.script = [knows(7, 8, lost=(8,))] * 50
    wait_for(lambda: agent.request_refresh() or
             any(told(update)[0] == [7, 8] for update in agent.updates[sent:]), "them to be told again")
    flows_are(node, (7, 2, 0), (8, 2, 0))
    settled(node, [True, True])


@pytest.mark.parametrize("status, left", [(PROHIBITED, []), (NO_BULK, [1])])
def test_it_asks_for_less(start, agent, status, left):
    """No BIDs any more, or one at a time."""
    def once(update):
        return answer(status)(update) if len(numbers(update)) == 2 else answer()(update)
    start("bulk", *[once] * 50)
    wait_for(lambda: agent.updates and len(numbers(agent.updates[-1])) < 2 and
             any(len(numbers(update)) == 2 for update in agent.updates), "it to ask for less", 60)
    at = max(n for n, update in enumerate(agent.updates) if len(numbers(update)) == 2) + 1
    assert numbers(agent.wait_update(at)) == left
