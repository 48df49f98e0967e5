"""The disk of the store gets full, or fails: updates are refused with 130, nothing is acknowledged
that is not stored, packets flow on, and service resumes by itself when the disk does."""

import json
import os
import pathlib
import signal
import socket

import pytest
from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

from lab import programs
from conftest import add
from lab.system import LabError, wait_for
from lab.topology import CN
from peer import inner_of
from rig import stop

ACCEPTED, RESOURCES = 0, 130
SIZE = 2 << 20  # octets of the disk: too little for what the store would reserve ahead


class Disk:
    """A file system in memory that exists as long as a process that holds it, and its faults."""

    def __init__(self, node, build):
        self.holder = node.start("disk", "sh", "-c", "mount -t tmpfs -o size=$0 disk /var/lib/dmm "
                                 "&& echo mounted && exec sleep infinity", SIZE)
        wait_for(lambda: "mounted" in self.holder.output(), "the disk")
        self.root = pathlib.Path("/proc", str(self.holder.pid), "root", "var/lib/dmm")
        self.folder = self.root / "store"
        self.faults, self.ballast = node.directory / "faults", self.root / "ballast"
        shim = pathlib.Path(build) / "test/scenario/bad_disk.so"
        # What is loaded before the sanitizer's runtime must be allowed to.
        sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        self.env = {"LD_PRELOAD": str(shim), "ASAN_OPTIONS": sanitizer.strip(":"),
                    "BAD_DISK_FOLDER": "/var/lib/dmm/store", "BAD_DISK_FILE": str(self.faults)}

    def spoil(self, how):
        if how == "full":
            with open(self.ballast, "wb", buffering=0) as file:
                try:
                    while file.write(bytes(4096)):
                        pass
                except OSError:  # that was all
                    pass
        else:
            fresh = self.faults.with_suffix(".new")
            fresh.write_text(how + "\n")
            os.rename(fresh, self.faults)

    def mend(self):
        self.faults.unlink(missing_ok=True)
        self.ballast.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def disk(lab, build):
    lab.gw.run("mkdir", "-p", "/var/lib/dmm")
    return Disk(lab.gw, build)


@pytest.fixture(scope="module")
def gateway(lab, build, disk):
    started = programs.Gateway(lab, build)
    # Also no second for the address of each first registration.
    started.control.reconfigure(('store = "/var/lib/dmm/store"', f'store = "{disk.folder}"'),
                                ("dad_transmits = 1;", "dad_transmits = 0;"))
    started.control.env = disk.env
    started.start()
    yield started
    stop(started)


@pytest.fixture(autouse=True)
def mended(disk):
    yield
    disk.mend()


class Players:
    """Nodes, and what each was told: the oracle."""

    def __init__(self, peer, subscribers):
        self.peer, self.subscribers = peer, subscribers
        self.bound = {}  # home address: sequence number

    def ask(self, subscriber):
        """Sends an update; returns the status of its answer."""
        answer = self.peer.exchange(self.peer.update(subscriber))
        if answer.status == ACCEPTED:
            self.bound[subscriber["home_addresses"][0]] = answer.sequence
        return answer.status

    def ask_until_refused(self):
        """All ask in turn. What is left of the last block of a full disk is used first."""
        for number in range(5000):
            status = self.ask(self.subscribers[number % len(self.subscribers)])
            if status != ACCEPTED:
                assert status == RESOURCES
                return
        pytest.fail("nothing was refused")

    def wrong(self, control):
        """What control has that was not acknowledged, or the other way round."""
        return {(b["home_address"], b["sequence"]) for b in control.bindings()} ^ set(self.bound.items())


@pytest.fixture
def players(peer, subscriber):
    peer.attach("a")
    made = Players(peer, [subscriber() for _ in range(12)])
    for node in made.subscribers[:4]:
        assert made.ask(node) == ACCEPTED
    return made


def arrives(lab, peer, home):
    """Waits for a packet of the correspondent at the bound node."""
    payload = os.urandom(8)
    since = peer.ear.mark()
    packet = bytes(IPv6(src=CN, dst=home) / UDP(sport=7, dport=9) / Raw(payload))

    def came():
        # Again if it was lost while a neighbour was resolved.
        with lab.cn.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
            raw.sendto(packet, (home, 0))
        return peer.ear.heard(lambda heard: heard.endswith(payload) and inner_of(heard), since)
    wait_for(came, "the packet", pause=0.2)


def alarms(control):
    """The events of the store so far, without the time."""
    events = [json.loads(line) for line in control.ctl("--json", "events").splitlines()]
    return [event["event"] for event in events if event["event"].startswith("store-")]


@pytest.mark.parametrize("how", ["full", "write", "torn", "sync"])
def test_a_bad_disk_refuses_and_service_resumes(lab, disk, control, peer, players, how):
    pid, before = control.process.pid, len(alarms(control))
    disk.spoil(how)
    players.ask_until_refused()
    assert control.ask("status")["store"]["ok"] is False
    assert alarms(control)[before:][-1] == "store-failed"
    assert not players.wrong(control)
    for home in players.bound:
        arrives(lab, peer, home)

    disk.mend()
    node = players.subscribers[-1]
    wait_for(lambda: players.ask(node) == ACCEPTED, "updates to be accepted again")
    assert control.ask("status")["store"]["ok"] is True
    assert alarms(control)[-1] == "store-back"
    assert control.ask("status")["pid"] == pid
    assert not players.wrong(control)
    for node in players.subscribers:
        assert players.ask(node) == ACCEPTED


@pytest.mark.parametrize("how", ["full", "write", "torn"])
def test_killed_while_the_disk_is_bad(gateway, disk, control, players, how):
    """What was acknowledged is there afterwards, and nothing of what was refused."""
    disk.spoil(how)
    players.ask_until_refused()
    control.process.stop(signal.SIGKILL)
    if how != "full":  # where removing an old log may make room
        early = control.node.start("early", programs.program(control.build, "dmm-ctrl"), "--config",
                                   control.config, env=control.env)
        assert early.wait() == 1
        assert f"dmm-ctrl: store {disk.folder}: " in early.output()
    disk.mend()
    control.start()
    wait_for(gateway.synchronised, "the data plane to be synchronised again")
    assert control.ask("status")["store"] | {"engine": None, "path": None} == {
        "engine": None, "path": None, "ok": True, "last_failure": None}
    assert not players.wrong(control)
    for node in players.subscribers:
        assert players.ask(node) == ACCEPTED


def test_nothing_else_is_half_done(disk, control, players):
    """An operator is refused as well, and told why."""
    values = players.subscribers[0] | {"mn_id": "late@example.net", "spi": 7777,
                                       "home_addresses": ["2001:db8:100::77"]}
    disk.spoil("write")
    with pytest.raises(LabError) as refused:
        add(control, values)
    assert "the store refused the change" in str(refused.value)
    with pytest.raises(LabError, match="there is no subscriber"):
        control.ask("subscriber", "show", "late@example.net")
    disk.mend()

    def taken():
        try:
            add(control, values)
        except LabError:  # the store is opened anew now and then
            return False
        return True
    wait_for(taken, "the subscriber to be taken")
    control.ctl("subscriber", "del", "late@example.net")
