"""Either plane dies and comes back: bindings stay, packets flow again."""

import re
import signal

import pytest

from lab import programs
from lab.system import LabError, wait_for
from lab.topology import ACCESS_ROUTERS
import mip6
from peer import Ear, inner_of


@pytest.fixture
def bound(peer, subscriber):
    peer.attach("a")
    node = subscriber()
    peer.register(node)
    return node


def arrives(lab, peer, home, payload):
    """Whether a packet of the correspondent node reaches the bound node; may be asked again."""
    since = peer.ear.mark()
    lab.cn.run("/usr/bin/python3", "-c", "import socket,sys; socket.socket(socket.AF_INET6, "
               "socket.SOCK_DGRAM).sendto(sys.argv[2].encode(), (sys.argv[1], 9))", home, payload)
    try:
        peer.ear.wait(lambda heard: inner_of(heard) and heard.endswith(payload.encode()), "it", since, 1)
        return True
    except LabError:
        return False


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_control_restarts(lab, gateway, control, peer, bound, how):
    home = bound["home_addresses"][0]
    before = control.binding(home)
    epoch = control.ask("status")["epoch"]
    control.process.stop(how)
    # The data plane forwards on without it.
    wait_for(lambda: arrives(lab, peer, home, "headless"), "a packet while control is gone")
    control.start()
    wait_for(gateway.synchronised, "the data plane to be synchronised again")
    assert control.ask("status")["epoch"] != epoch
    after = control.binding(home)
    for key in ("mn_id", "care_of_address", "registered", "sequence", "lifetime_s"):
        assert after[key] == before[key], key
    wait_for(lambda: arrives(lab, peer, home, "again"), "a packet after the restart")
    peer.register(bound)


def test_replay_is_noticed_across_a_restart(gateway, control, peer, bound):
    packet = peer.update(bound)
    assert peer.exchange(packet).status == 0
    control.process.stop(signal.SIGKILL)
    control.start()
    wait_for(gateway.synchronised, "the data plane to be synchronised again")
    assert peer.exchange(packet).status == 144


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_data_plane_restarts(lab, gateway, control, peer, bound, how):
    home = bound["home_addresses"][0]
    gateway.data_plane.process.stop(how)
    wait_for(lambda: not gateway.synchronised(plane_runs=False), "control to notice")
    gateway.data_plane.start()
    wait_for(gateway.synchronised, "the data plane to be synchronised again")
    wait_for(lambda: arrives(lab, peer, home, "restored"), "a packet after the restart")
    peer.register(bound)


def test_no_data_plane_no_acknowledged_binding(lab, gateway, control, peer, subscriber):
    """Without a data plane there is nobody to forward, and nothing is promised."""
    peer.attach("a")
    node = subscriber()
    gateway.data_plane.process.stop()
    wait_for(lambda: not gateway.synchronised(plane_runs=False), "control to notice")
    on_its_way = Ear(lab.core, ACCESS_ROUTERS["a"])
    try:
        since = peer.ear.mark()
        peer.send(peer.update(node))
        on_its_way.wait(lambda heard: mip6.mh_type(heard) == mip6.BU, "the update on its way")
        binding = control.binding(node["home_addresses"][0])
        assert binding is None or binding["state"] in ("dad", "committing")
        # It must not wait there for a neighbour, and come when the data plane is back.
        lab.core.run("ip", "-6", "neighbour", "flush", "dev", "gw")
    finally:
        on_its_way.close()
        gateway.data_plane.start()
        wait_for(gateway.synchronised, "the data plane to be synchronised again")
    assert not [answer for answer in peer.acknowledgements(since) if answer.status < 128]
    peer.register(node)


@pytest.mark.parametrize("taken", ["store", "update", "packet", "api"])
def test_second_control_plane_is_refused(gateway, control, tmp_path, taken):
    """With one thing in common with the first, it touches nothing: it makes no store of its own."""
    text = control.config.read_text()
    for name in ("update", "packet", "api"):
        if name != taken:
            text = re.sub(rf'\b{name} = "ipc://[^"]*"', f'{name} = "ipc://{tmp_path}/{name}"', text)
    if taken != "store":
        text = re.sub(r'\bstore = "[^"]*"', f'store = "{tmp_path}/store"', text)
    config = tmp_path / "second.cfg"
    config.write_text(text)
    other = control.node.start("second", programs.program(control.build, "dmm-ctrl"), "--config", config)
    assert other.wait() != 0
    assert ("another process" if taken != "store" else "store") in other.output()
    assert not (tmp_path / "store").exists()
    assert control.ask("status")["pid"] == control.process.pid
    assert gateway.synchronised()
