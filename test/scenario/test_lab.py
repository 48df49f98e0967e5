"""The laboratory itself: what it measures is right, and nothing of it stays behind."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest

from lab import deaths, ledger, moves, programs
from lab.measure import MILLISECOND, Pings
from lab.moves import Move
from lab.packets import AT_HOME, Packet, Paths, packet_of
from lab.system import run, start_time, wait_for

HOME, CARE_OF, PREFIX = "2001:db8:100::10", "2001:db8:a::5", "2001:db8:a::/64"


def test_a_killed_run_is_cleaned_up_by_the_next(build, tmp_path):
    script = ("import sys, time\nfrom lab.topology import Lab\n"
              f"lab = Lab('orphan', {str(tmp_path)!r})\n"
              "lab.build()\nprint(lab.prefix, flush=True)\ntime.sleep(600)\n")
    child = subprocess.Popen([sys.executable, "-B", "-c", script], stdout=subprocess.PIPE, text=True,
                             env={"PYTHONPATH": str(programs.ROOT / "tools"), "PATH": "/usr/sbin:/usr/bin"})
    prefix = child.stdout.readline().strip()
    left = ledger.Ledger(prefix)
    processes = [(entry["pid"], entry["start"]) for entry in left.entries("process")]
    assert processes and f"{prefix}-mn" in run("ip", "netns", "list")
    ledger.remove_leftovers("orphan")  # it is alive: not touched
    assert all(start_time(pid) == start for pid, start in processes)
    child.send_signal(signal.SIGKILL)
    child.wait()
    ledger.remove_leftovers("orphan")
    assert not any(start_time(pid) == start for pid, start in processes)
    assert prefix not in run("ip", "netns", "list")
    assert not ledger.Ledger.all("orphan")


def test_an_interrupted_run_leaves_nothing(build, tmp_path):
    # Who runs the tests in the background may have had the signal ignored.
    script = ("import signal, time\nfrom lab.topology import Lab\n"
              "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
              f"with Lab('interrupted', {str(tmp_path)!r}) as lab:\n"
              "    lab.build()\n    print(lab.prefix, flush=True)\n    time.sleep(600)\n")
    for number in (signal.SIGINT, signal.SIGTERM):
        child = subprocess.Popen([sys.executable, "-B", "-c", script], stdout=subprocess.PIPE, text=True,
                                 stderr=subprocess.DEVNULL,
                                 env={"PYTHONPATH": str(programs.ROOT / "tools"),
                                      "PATH": "/usr/sbin:/usr/bin"})
        prefix = child.stdout.readline().strip()
        child.send_signal(number)
        child.wait(180)
        assert prefix not in run("ip", "netns", "list")
        assert not ledger.Ledger.all("interrupted")


def test_a_run_that_begins_is_not_taken_for_a_leftover(monkeypatch, tmp_path):
    """That of a program whose run before has just ended: while others look, the file of that name is gone,
    and then it is there again."""
    monkeypatch.setattr(ledger, "DIRECTORY", tmp_path)
    run_of_now, read = ledger.Ledger("begins-1"), ledger.Ledger.all_entries

    def gone_at_first(self):
        found = read(self)
        if not self.path.exists():
            run_of_now.begin()
            run_of_now.note("namespace", name="begins-1-mn")
        return found
    monkeypatch.setattr(ledger.Ledger, "all", lambda label: [ledger.Ledger("begins-1")])
    monkeypatch.setattr(ledger.Ledger, "all_entries", gone_at_first)
    ledger.remove_leftovers("begins")
    assert run_of_now.owner() == os.getpid()
    assert run_of_now.entries("namespace") == [{"kind": "namespace", "name": "begins-1-mn"}]


@pytest.fixture
def pages(monkeypatch, tmp_path):
    """Hugepages of a machine of its own: other runs change those of this one."""
    monkeypatch.setattr(ledger, "DIRECTORY", tmp_path / "run")
    monkeypatch.setattr(ledger, "HUGEPAGES", tmp_path / "nr_hugepages")
    (tmp_path / "nr_hugepages").write_text("7\n")
    (tmp_path / "surplus_hugepages").write_text("0\n")
    return lambda: int((tmp_path / "nr_hugepages").read_text())


def test_hugepages_are_given_back(pages):
    one, two = ledger.Ledger("pages-1"), ledger.Ledger("pages-2")
    ledger.reserve_hugepages(one, 4)
    ledger.reserve_hugepages(two, 3)
    assert pages() == 14
    one.remove()
    assert pages() == 10
    two.remove()
    assert pages() == 7


def test_hugepages_that_go_by_themselves_do_not_become_lasting(pages, tmp_path):
    """Those that a run gave back while a process of it still had them."""
    (tmp_path / "surplus_hugepages").write_text("5\n")
    ledger.reserve_hugepages(ledger.Ledger("pages-1"), 4)
    assert pages() == 2 + 4


def test_hugepages_of_a_run_killed_while_it_reserved_them_are_given_back(pages, monkeypatch):
    one, two = ledger.Ledger("pages-1"), ledger.Ledger("pages-2")
    with monkeypatch.context() as killed, pytest.raises(SystemExit):
        killed.setattr(ledger.Ledger, "note", lambda *_, **__: sys.exit(1))
        ledger.reserve_hugepages(one, 4)
    assert pages() == 11
    ledger.reserve_hugepages(two, 3)
    one.remove()
    two.remove()
    assert pages() == 7


def test_the_mobile_node_hears_the_router_of_its_link(lab):
    for link, prefix in (("a", "2001:db8:a:"), ("b", "2001:db8:b:")):
        lab.plug(link)
        wait_for(lambda: any(address.startswith(prefix) for address in lab.mn.addresses("wlan0")),
                 f"an address on link {link}")
    lab.plug(None)


def at(ms):
    return ms * MILLISECOND


def test_figures_of_a_move():
    move = Move("home", "a", at(1000))
    packets = [
        Packet(at(990), "", CARE_OF, "tunnel", inner=HOME),  # before the move
        Packet(at(1031), CARE_OF, "", "update", sequence=7),
        Packet(at(1033), "", CARE_OF, "acknowledgement", sequence=6),  # of another update
        Packet(at(1035), "", CARE_OF, "acknowledgement", sequence=7, status=0),
        Packet(at(1036), "", CARE_OF, "tunnel", inner="2001:db8:100::11"),  # of another node
        Packet(at(1038), "", CARE_OF, "tunnel", inner=HOME),
    ]
    usable = [(at(900), CARE_OF), (at(1005), "fe80::1"), (at(1030), CARE_OF)]
    moves.complete(move, packets, PREFIX, HOME, usable)
    assert (move.usable, move.acknowledged, move.restored) == (at(1030), at(1035), at(1038))
    assert move.signalling() == at(4)
    assert move.recovery() == at(8)


def test_loss_and_interruption():
    sent = {number: at(10 * number) for number in range(20)}
    heard = {number: at(10 * number + 1) for number in range(20) if number not in (8, 9, 10)}
    pings = Pings(sent, heard, heard)
    assert pings.lost(0, at(200)) == [8, 9, 10]
    assert pings.lost(0, at(90)) == [8]
    loss = pings.loss(0, at(200), at(200), at(10))
    assert (loss.lost, loss.unanswered, loss.gap, loss.reply_gap) == (3, 3, at(30), at(30))
    assert pings.loss(at(120), at(200), at(200), at(10)).gap == 0
    assert pings.loss(at(120), at(200), at(1000), at(10)).gap == at(1000 - 191 - 10)  # nothing since


def test_frames_are_recognised():
    from scapy.layers.inet6 import IPv6
    from scapy.layers.l2 import Ether
    import mip6
    update = mip6.binding_update(HOME, CARE_OF, "2001:db8:1::1", mn_id="x@y", sequence=99, lifetime=3,
                                 timestamp=False)
    packet = packet_of(5, bytes(Ether(type=0x86DD)) + update)
    assert (packet.at, packet.kind, packet.sequence, packet.lifetime) == (5, "update", 99, 3)
    inside = bytes(Ether() / IPv6(src="2001:db8:1::1", dst=CARE_OF) / IPv6(dst=HOME))
    packet = packet_of(6, inside)
    assert (packet.kind, packet.destination, packet.inner) == ("tunnel", CARE_OF, HOME)
    assert packet_of(7, b"\0" * 60) is None


def test_pings_are_recognised():
    from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, IPv6, IPv6ExtHdrDestOpt
    from scapy.layers.l2 import Ether
    number = (4711).to_bytes(8, "big") + bytes(48)
    request = IPv6(dst=HOME) / ICMPv6EchoRequest(data=number)
    direct = packet_of(8, bytes(Ether(type=0x86DD) / request))
    assert (direct.kind, direct.ping) == ("other", 4711)
    limited = bytes(Ether(type=0x86DD) / IPv6(src=DP1, dst=DP2) / IPv6ExtHdrDestOpt(nh=41) / request)
    relayed = packet_of(9, limited[:192])
    assert (relayed.kind, relayed.source, relayed.inner, relayed.ping) == ("tunnel", DP1, HOME, 4711)
    reply = IPv6(dst=HOME) / ICMPv6EchoReply(data=number)
    assert packet_of(10, bytes(Ether(type=0x86DD) / reply)).ping is None
    request = IPv6(src=DP1, dst=CARE_OF) / IPv6(dst=HOME, nh=135) / bytes.fromhex("3b00000000000000")
    told = packet_of(11, bytes(Ether(type=0x86DD) / request))
    assert (told.kind, told.inner) == ("refresh request", HOME)


NAMES = {"2001:db8:1::11": "dp1", "2001:db8:2::11": "dp2"}
DP1, DP2 = NAMES


def test_ways_of_packets():
    """What comes through a tunnel of dp2, after dp1 has relayed it, and what comes at home."""
    at_node = [Packet(at(1), DP2, CARE_OF, "tunnel", inner=HOME, ping=1),
               Packet(at(2), DP2, CARE_OF, "tunnel", inner=HOME),  # not of the ping
               Packet(at(3), DP2, CARE_OF, "tunnel", inner="2001:db8:100::11", ping=7),
               Packet(at(4), DP1, CARE_OF, "tunnel", inner=HOME, ping=2),
               Packet(at(5), "2001:db8:c::2", HOME, "other", ping=3)]
    between = [Packet(at(0), DP1, DP2, "tunnel", inner=HOME, ping=1),
               Packet(at(1), DP1, DP2, "tunnel", inner=HOME),
               Packet(at(1), DP1, DP2, "other")]
    paths = Paths.seen(at_node, between, HOME, NAMES)
    assert paths.serving == {1: "dp2", 2: "dp1", 3: AT_HOME}
    assert paths.relays == {1: ["dp1"]}
    assert paths.tunnelled == [(at(1), "dp2"), (at(2), "dp2"), (at(4), "dp1")]
    assert paths.relayed_within(0, at(2), ["dp1", "dp2"]) == {"dp1": 2, "dp2": 0}
    assert paths.relayed_within(at(1), at(2), ["dp1"]) == {"dp1": 1}
    assert paths.astray([1, 2, 3], "dp2", ["dp1"]) == [2, 3]
    assert paths.astray([1], "dp2", []) == [1]
    assert paths.astray([4], "dp2", []) == [4]  # not seen at all


def pinged(count, lost=()):
    sent = {number: at(10 * number) for number in range(count)}
    heard = {number: when + at(1) for number, when in sent.items() if number not in lost}
    return Pings(sent, heard, heard)


def made_move(**changes):
    move = Move("a", "b", at(100), usable=at(110), updates=[at(111)], acknowledged=at(112), status=0,
                restored=at(113), end=at(1000))
    move.__dict__.update(changes)
    return move


def test_a_move_is_judged():
    pings = pinged(100)
    relayed = Paths({number: "dp2" for number in range(100)}, {number: ["dp1"] for number in range(100)})
    direct = Paths(relayed.serving, {})
    assert moves.judge(made_move(), pings, relayed, "dp1") == []
    assert moves.judge(made_move(), pings, direct, "dp2") == []
    assert "did not come by dp2 after dp1" in moves.judge(made_move(), pings, direct, "dp1")[0]
    assert "did not come by dp1" in moves.judge(made_move(target="a"), pings, relayed, "dp1")[0]
    assert "status 130" in moves.judge(made_move(status=130), pings, relayed, "dp1")[0]
    assert "new path" in moves.judge(made_move(restored=None), pings, relayed, "dp1")[0]
    assert moves.judge(made_move(), pinged(0), relayed, "dp1")  # nothing was measured


def test_a_death_is_judged():
    relayed = Paths({number: "dp2" for number in range(20)}, {number: ["dp1"] for number in range(20)})

    def found(kind, lost, numbers, relays=("dp1",)):
        loss = pinged(20, lost).loss(0, at(200), at(200), at(10))
        return deaths.judge(deaths.Death(kind, "it", 0, loss=loss), numbers, relayed, "dp2", list(relays))
    assert found("ctrl_restart", [], range(20)) == []
    assert "1 pings" in found("ctrl_restart", [7], range(20))[0]
    assert "1 pings" in found("dp_return", [7], range(20))[0]
    assert found("dp_restart", range(3, 12), range(12, 20)) == []
    assert "8 of 8 pings" in found("dp_failover", [], range(12, 20), relays=())[0]
    assert found("dp_restart", [], [])  # nothing was measured


def test_times_of_logs(tmp_path):
    class Log:
        def __init__(self, text):
            self.output = lambda: text
    text = ("ts=1970-01-01T00:00:01.000250Z level=info module=agent event=synced epoch=1 sequence=0\n"
            "ts=1970-01-01T00:00:01.500000Z level=warn module=agent event=control-lost silent_ms=900\n"
            "no log line\n"
            "ts=1970-01-01T00:00:02.000000Z level=info module=agent event=synced epoch=2 sequence=0\n")
    assert programs.logged(Log(text), 0, "event=synced") == 1_000_250_000
    assert programs.logged(Log(text), at(1100), "module=agent", "event=synced") == at(2000)
    assert programs.logged(Log(text), at(2001), "event=synced") is None
    assert programs.logged(Log(text), 0, "module=other", "event=synced") is None


@pytest.mark.parametrize("words, told", [(["--moves", "1"], "--moves"), (["--mvoes", "4"], "--mvoes")])
def test_wrong_arguments_of_the_demo(words, told):
    done = subprocess.run([sys.executable, "-B", "-m", "lab.demos", *words], text=True,
                          stderr=subprocess.PIPE, env={"PYTHONPATH": str(programs.ROOT / "tools")},
                          cwd=pathlib.Path("/"))
    assert done.returncode == 2
    assert told in done.stderr
