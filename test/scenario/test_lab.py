"""The laboratory itself: what it measures is right, and nothing of it stays behind."""

import pathlib
import signal
import subprocess
import sys

import pytest

from lab import ledger, measure, programs
from lab.measure import MILLISECOND, Move, Packet, Pings
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
    script = ("import time\nfrom lab.topology import Lab\n"
              f"with Lab('interrupted', {str(tmp_path)!r}) as lab:\n"
              "    lab.build()\n    print(lab.prefix, flush=True)\n    time.sleep(600)\n")
    for number in (signal.SIGINT, signal.SIGTERM):
        child = subprocess.Popen([sys.executable, "-B", "-c", script], stdout=subprocess.PIPE, text=True,
                                 stderr=subprocess.DEVNULL,
                                 env={"PYTHONPATH": str(programs.ROOT / "tools"),
                                      "PATH": "/usr/sbin:/usr/bin"})
        prefix = child.stdout.readline().strip()
        child.send_signal(number)
        child.wait(60)
        assert prefix not in run("ip", "netns", "list")
        assert not ledger.Ledger.all("interrupted")


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
    measure.complete(move, packets, PREFIX, HOME, usable)
    assert (move.usable, move.acknowledged, move.restored) == (at(1030), at(1035), at(1038))
    assert move.signalling() == at(4)
    assert move.recovery() == at(8)


def test_loss_and_interruption():
    sent = {number: at(10 * number) for number in range(20)}
    heard = {number: at(10 * number + 1) for number in range(20) if number not in (8, 9, 10)}
    pings = Pings(sent, heard, heard)
    assert pings.lost(0, at(200)) == [8, 9, 10]
    assert pings.lost(0, at(90)) == [8]
    assert pings.longest_gap(0, at(200), at(10)) == at(30)


def test_frames_are_recognised():
    from scapy.layers.inet6 import IPv6
    from scapy.layers.l2 import Ether
    import mip6
    update = mip6.binding_update(HOME, CARE_OF, "2001:db8:1::1", mn_id="x@y", sequence=99, lifetime=3,
                                 timestamp=False)
    packet = measure.packet_of(5, bytes(Ether(type=0x86DD)) + update)
    assert (packet.at, packet.kind, packet.sequence, packet.lifetime) == (5, "update", 99, 3)
    inside = bytes(Ether() / IPv6(src="2001:db8:1::1", dst=CARE_OF) / IPv6(dst=HOME))
    packet = measure.packet_of(6, inside)
    assert (packet.kind, packet.destination, packet.inner) == ("tunnel", CARE_OF, HOME)
    assert measure.packet_of(7, b"\0" * 60) is None


@pytest.mark.parametrize("words, told", [(["--moves", "1"], "--moves"), (["--mvoes", "4"], "--mvoes")])
def test_wrong_arguments_of_the_demo(words, told):
    done = subprocess.run([sys.executable, "-B", "-m", "lab.demo", *words], text=True,
                          stderr=subprocess.PIPE, env={"PYTHONPATH": str(programs.ROOT / "tools")},
                          cwd=pathlib.Path("/"))
    assert done.returncode == 2
    assert told in done.stderr
