"""The channels across hosts: encrypted, with each data plane known by its key. Who is not listed,
calls itself something else or speaks otherwise is refused and counted; keys change under traffic; a
data plane that is stuck holds up nobody else."""

import contextlib
import itertools
import json
import re
import shutil
import signal
import socket
import struct

import pytest

from lab import programs
from lab.node import veth
from lab.system import wait_for
from lab.topology import HOST
from rig import stop

UPDATE, PACKET = 4701, 4702
HELLO, REFUSE, VERSION = 1, 21, 11
CONTROL_ADDRESS, SECOND_ADDRESS = "fd00:77::1", "fd00:77::2"
NUMBERS = itertools.count()


class Keys:
    """Key files of the gateway's host, made by the gateway's own tool."""

    def __init__(self, node, build):
        self.node, self.tool = node, programs.program(build, "dmmctl")
        self.directory = node.directory / "keys"
        self.directory.mkdir()

    def make(self, name):
        self.node.run(self.tool, "keygen", "--name", name, self.directory)

    def path(self, name):
        return self.directory / name

    def digits(self, name):
        return self.path(name).read_text().split()[1]


def with_endpoints(example, host):
    """An example configuration on tcp, without its comments."""
    text = re.sub(r"(?m)#.*$", "", (programs.CONFIGS / example).read_text())
    text = text.replace("ipc:///run/dmm/update", f"tcp://{host}:{UPDATE}")
    return text.replace("ipc:///run/dmm/packet", f"tcp://{host}:{PACKET}")


def write_control(file, keys, planes, own="ctrl"):
    """The example configuration of dmm-ctrl, on tcp, with keys for each data plane by name."""
    text = with_endpoints("dmm-ctrl.cfg", "*")
    items = ", ".join(
        '{ name = "%s"; public_keys = [%s]; }' % (name, ", ".join(f'"{key}"' for key in listed))
        for name, listed in planes.items())
    text, count = re.subn(r"data_planes = \(.*?\);", f"data_planes = ({items});", text, flags=re.S)
    assert count == 1
    file.write_text(text + f'\nsecurity = {{ secret_key_file = "{keys.path(own + ".key")}"; }};\n')


def write_plane(file, keys, name, host, control=("ctrl",)):
    text = with_endpoints("dmm-dp.cfg", host)
    assert 'name = "dp1"' in text
    text = text.replace('name = "dp1"', f'name = "{name}"')
    listed = ", ".join(f'"{keys.path(key + ".pub")}"' for key in control)
    file.write_text(text + f'\nsecurity = {{ secret_key_file = "{keys.path(name + ".key")}";'
                    f' control_keys = [{listed}]; }};\n')


@pytest.fixture(scope="module")
def keys(lab, build):
    made = Keys(lab.gw, build)
    for name in ("ctrl", "dp1", "dp2"):
        made.make(name)
    return made


@pytest.fixture(scope="module")
def planes(keys):
    """What is listed at first: one key by its file, one by its digits."""
    return {"dp1": [keys.path("dp1.pub")], "dp2": [keys.digits("dp2.pub")]}


@pytest.fixture(scope="module")
def gateway(lab, build, keys, planes):
    started = programs.Gateway(lab, build)
    started.control.config = lab.gw.directory / "ctrl.cfg"
    started.data_plane.config = lab.gw.directory / "dp.cfg"
    write_control(started.control.config, keys, planes)
    write_plane(started.data_plane.config, keys, "dp1", "127.0.0.1")
    started.start()
    yield started
    stop(started)


@pytest.fixture
def list_keys(control, keys, counted):
    """list_keys(PLANES): lists these keys from now on; dmm-ctrl goes on running."""
    def change(planes):
        before = counted("channel_key_reloads")
        write_control(control.config, keys, planes)
        control.process.send(signal.SIGHUP)
        wait_for(lambda: counted("channel_key_reloads") > before, "the keys to be read")
    return change


def plane(control, name):
    return next((p for p in control.ask("dp", "show")["data_planes"] if p["name"] == name), None)


def synced(control, name):
    shown = plane(control, name)
    return shown is not None and shown["state"] == "synced"


def head(kind, version=VERSION):
    return struct.pack(">HBBQQ", 0x444d, version, kind, 0, 0)


def hello(name):
    return head(HELLO) + bytes([len(name)]) + name.encode() + struct.pack(">IB", 1000, 0)


def knock(lab, keys, *messages, key=None, server="ctrl.pub", **more):
    """Somebody with the key pair of that name, or without CURVE, at the update channel."""
    wish = {"endpoint": f"tcp://127.0.0.1:{UPDATE}", "messages": [m.hex() for m in messages]} | more
    if key:
        wish |= {"secret": keys.digits(key + ".key"), "public": keys.digits(key + ".pub"),
                 "server": keys.digits(server)}
    script = programs.ROOT / "test/scenario/stranger.py"
    said = json.loads(lab.gw.run("/usr/bin/python3", script, json.dumps(wish)))
    return said["failed"], [bytes.fromhex(reply) for reply in said["replies"]]


def refused_with(replies, text):
    return len(replies) == 1 and replies[0][3] == REFUSE and text in replies[0].decode("latin1")


def test_registration_and_statistics_over_tcp(peer, subscriber, control):
    node = subscriber()
    peer.attach("a")
    peer.register(node)
    assert control.binding(node["home_addresses"][0])["state"] == "active"
    stats = control.ask("stats")
    assert [p["name"] for p in stats["data_planes"] if p["answered"]] == ["dp1"]
    assert stats["control"]["counters"]["channel_accepted"] >= 2
    assert "ESTAB" in control.node.run("ss", "-tn", f"sport = :{UPDATE}")
    assert "ESTAB" in control.node.run("ss", "-tn", f"sport = :{PACKET}")


def test_unknown_key(lab, keys, control, counted):
    keys.make("stranger")
    failed, replies = knock(lab, keys, hello("dp1"), key="stranger")
    assert (failed, replies) == ("key", [])
    assert counted("channel_refused_key") >= 1
    log = control.process.output()
    assert "event=unknown-key" in log and keys.digits("stranger.pub") in log
    assert synced(control, "dp1")


def test_no_encryption(lab, keys, control, counted):
    failed, replies = knock(lab, keys, hello("dp1"), routing_id="dp1")
    assert failed and replies == []
    # That client may have seen first that they differ, and gone; this one waits to be refused.
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
    with lab.gw.socket(socket.AF_INET, socket.SOCK_STREAM) as plain:
        plain.settimeout(60)
        plain.connect(("127.0.0.1", UPDATE))
        plain.sendall(greeting)
        with contextlib.suppress(ConnectionError):
            while plain.recv(1000):
                pass
    wait_for(lambda: counted("channel_refused_plain") >= 1, "the refusal to be counted")
    assert counted("publish_hellos") == 0
    assert synced(control, "dp1")


def test_another_key_of_control(lab, keys, counted):
    failed, replies = knock(lab, keys, hello("dp2"), key="dp2", server="dp1.pub")
    assert failed and replies == []
    wait_for(lambda: counted("channel_refused_server_key") >= 1, "the refusal to be counted")


def test_name_of_another(lab, keys, control, counted):
    """Neither a hello nor a routing id under another's name gets anything of the other's."""
    before = plane(control, "dp1")
    failed, replies = knock(lab, keys, hello("dp1"), key="dp2", routing_id="dp1")
    assert failed is None
    assert refused_with(replies, "the name is not that of the key")
    assert counted("publish_refused_name") == 1
    assert counted("publish_hellos") == 0
    assert plane(control, "dp2")["last_fault"]["reason"] == "the name is not that of the key"
    after = plane(control, "dp1")
    assert (after["state"], after["connected_since"]) == ("synced", before["connected_since"])
    assert "the name is not that of the key" in control.ctl("dp", "show")


def test_another_version(lab, keys, control, counted):
    failed, replies = knock(lab, keys, head(HELLO, VERSION + 1), key="dp2")
    assert failed is None
    assert refused_with(replies, "another version of the protocol")
    assert counted("publish_refused_version") == 1
    assert plane(control, "dp2")["last_fault"]["reason"] == "another version of the protocol"


def ping_on(lab):
    """Pings through the data plane until stopped; returns how to end: how many of those between the
    first that was answered, for which next hops had to be found, and the end were lost."""
    process = lab.cn.start(f"ping-{next(NUMBERS)}", "ping", "-n", "-i", "0.02", HOST)

    def answered():
        return {int(number) for number in re.findall(r"icmp_seq=(\d+) ", process.output())}

    def end():
        # What is on its way when ping is stopped counts for nothing.
        last = max(answered())
        wait_for(lambda: max(answered()) > last, "a reply of now")
        process.stop(signal.SIGINT)
        return len(set(range(first, max(answered()))) - answered())
    first = max(wait_for(answered, "the first reply"))
    return end


def test_key_changes_under_traffic(lab, keys, planes, gateway, control, peer, subscriber, counted,
                                   list_keys):
    keys.make("fresh")
    shutil.copy(keys.path("dp1.key"), keys.path("old.key"))
    shutil.copy(keys.path("dp1.pub"), keys.path("old.pub"))
    end = ping_on(lab)

    # Both are listed while it changes; then the data plane takes the new one; then the old one goes.
    list_keys(planes | {"dp1": [keys.path("old.pub"), keys.path("fresh.pub")]})
    shutil.move(keys.path("fresh.key"), keys.path("dp1.key"))
    gateway.data_plane.process.send(signal.SIGHUP)
    wait_for(lambda: counted("channel_accepted") >= 2, "both channels to come with the new key")
    list_keys(planes | {"dp1": [keys.path("fresh.pub")]})
    wait_for(lambda: synced(control, "dp1"), "the data plane to be synchronised")
    assert counted("channel_refused_revoked") == 0
    peer.attach("a")
    peer.register(subscriber())

    assert end() == 0
    failed, _ = knock(lab, keys, hello("dp1"), key="old")
    assert failed == "key"

    shutil.copy(keys.path("old.key"), keys.path("dp1.key"))
    list_keys(planes)
    gateway.data_plane.process.send(signal.SIGHUP)
    wait_for(lambda: synced(control, "dp1"), "the data plane to be synchronised")


def test_key_that_is_removed(lab, keys, planes, gateway, control, counted, list_keys):
    """Its connection is cut and forwarding goes on; once it is listed again, all is well."""
    keys.make("nobody")
    end = ping_on(lab)
    list_keys(planes | {"dp1": [keys.path("nobody.pub")]})
    shown = plane(control, "dp1")
    assert shown["state"] == "down"
    assert shown["last_fault"]["reason"] == "its key is no longer listed"
    wait_for(lambda: counted("channel_refused_revoked") >= 1, "the connection to be cut")
    wait_for(lambda: counted("channel_refused_key") >= 2, "it to be refused when it comes again")
    wait_for(lambda: "control does not list our public key" in gateway.data_plane.process.output(),
             "the data plane to say so")
    list_keys(planes)
    wait_for(lambda: synced(control, "dp1"), "the data plane to be synchronised")
    assert end() == 0


def restart(control):
    assert control.process.stop() == 0, control.process.output()[-3000:]
    control.start()


def test_key_of_control_changes(lab, keys, planes, gateway, control):
    """dmm-ctrl is restarted with another key, the data plane is not."""
    own, listed = gateway.data_plane.config, ("ctrl", "ctrl2")
    keys.make("ctrl2")
    end = ping_on(lab)
    for control_key, listed_then in (("ctrl2", ("ctrl2",)), ("ctrl", ("ctrl",))):
        write_plane(own, keys, "dp1", "127.0.0.1", listed)
        gateway.data_plane.process.send(signal.SIGHUP)
        write_control(control.config, keys, planes, control_key)
        restart(control)
        wait_for(lambda: synced(control, "dp1"), f"the data plane to find {control_key}", 60)
        write_plane(own, keys, "dp1", "127.0.0.1", listed_then)
        gateway.data_plane.process.send(signal.SIGHUP)
        wait_for(lambda: synced(control, "dp1"), "the data plane to be synchronised")
    assert end() == 0


def test_wrong_keys_change_nothing(keys, planes, control, counted):
    good = control.config.read_text()
    control.config.write_text(good.replace(keys.digits("dp2.pub"), "no key"))
    control.process.send(signal.SIGHUP)
    wait_for(lambda: "event=reload-refused" in control.process.output(), "the refusal")
    control.config.write_text(good)
    assert "64 hexadecimal digits" in control.process.output()
    assert counted("channel_key_reloads") == 0
    assert synced(control, "dp1")


@pytest.fixture
def second(lab, build, keys, gateway):
    """A second data plane, on a host of its own."""
    node = lab.node("gw2")
    node.sysctl({"net.ipv6.conf.all.forwarding": 1})
    veth(lab.gw, "mgmt", node, "mgmt")
    lab.gw.ip(f"address add {CONTROL_ADDRESS}/64 dev mgmt nodad")
    node.ip(f"address add {SECOND_ADDRESS}/64 dev mgmt nodad",
            "link add v-core type veth peer name x-core", "link set v-core up",
            "link add v-home type veth peer name x-home", "link set v-home up")
    file = node.directory / "dp.cfg"
    write_plane(file, keys, "dp2", f"[{CONTROL_ADDRESS}]")
    process = node.start("dmm-dp", programs.program(build, "dmm-dp"), "--config", file,
                         env={"XDG_RUNTIME_DIR": str(node.directory), "RUNTIME_DIRECTORY": ""})
    wait_for(lambda: process.require() or synced(gateway.control, "dp2"),
             "the second data plane to be synchronised", 60)
    yield process
    if process.running():
        process.send(signal.SIGCONT)
        status = process.stop()
        assert status == 0, process.output()[-3000:]
    lab.gw.ip("link del mgmt")


def test_stopped_data_plane_holds_up_nobody(second, peer, subscriber, control):
    nodes = [subscriber() for _ in range(12)]
    peer.attach("a")
    peer.register(nodes[0])
    wait_for(lambda: synced(control, "dp2"), "the second data plane to follow")
    second.send(signal.SIGSTOP)
    # Neither at once, while its queue still takes what is sent, nor when it is given up.
    for node in nodes[1:6]:
        peer.register(node)
    wait_for(lambda: plane(control, "dp2")["state"] == "down", "the stopped one to be given up")
    for node in nodes[6:]:
        peer.register(node)
    wait_for(lambda: plane(control, "dp1")["lag"] == 0, "the other one to have everything")
    stopped = plane(control, "dp2")
    assert stopped["lag"] > 0
    assert stopped["last_fault"]["reason"] in ("silent", "disconnected")
    second.send(signal.SIGCONT)
    wait_for(lambda: synced(control, "dp2") and plane(control, "dp2")["lag"] == 0,
             "the second data plane to catch up")


@pytest.mark.parametrize("name, removed, says", [
    ("dmm-ctrl", r"\nsecurity = .*\n", "security.secret_key_file"),
    ("dmm-ctrl", r"public_keys = \[\"[^\"]*\"\];", "data_planes[0].public_keys"),
    ("dmm-dp", r"secret_key_file = \"[^\"]*\";", "security.secret_key_file"),
    ("dmm-dp", r"control_keys = \[\"[^\"]*\"\];", "security.control_keys"),
])
def test_tcp_without_keys_is_refused(lab, build, gateway, tmp_path, name, removed, says):
    own = gateway.control.config if name == "dmm-ctrl" else gateway.data_plane.config
    text, count = re.subn(removed, "", own.read_text(), count=1)
    assert count == 1
    file = tmp_path / "wrong.cfg"
    file.write_text(text)
    process = lab.gw.start(f"{name}-{next(NUMBERS)}", programs.program(build, name), "--check",
                           "--config", file)
    assert process.wait() == 1
    assert re.search(rf"{re.escape(str(file))}(:\d+)?: {re.escape(says)}: is required", process.output())


def test_secret_key_that_others_can_read_is_refused(lab, build, keys, gateway):
    keys.path("dp1.key").chmod(0o644)
    try:
        process = lab.gw.start("open-key", programs.program(build, "dmm-dp"), "--check", "--config",
                               gateway.data_plane.config)
        assert process.wait() == 1
        assert str(keys.path("dp1.key")) in process.output()
        assert "only its owner" in process.output()
    finally:
        keys.path("dp1.key").chmod(0o600)


def test_secrets_are_never_told(keys, gateway, control):
    told = control.process.output() + gateway.data_plane.process.output()
    told += control.ctl("--json", "stats") + control.ctl("--json", "dp", "show")
    for file in keys.directory.glob("*.key"):
        assert keys.digits(file.name) not in told
