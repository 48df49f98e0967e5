"""The data plane as a router, without control: what Linux is told with `ip` is what it forwards by,
and the kernel is kept from its ports."""

import os
import re
import signal

import pytest

from lab import ledger, programs
from lab.system import LabError, wait_for
from lab.topology import CN, HOME_AGENT, HOME_ROUTER, HOST

NOBODY = "2001:db8:100::dead"
PORTS = {"core": "v-core", "home": "v-home"}


class DataPlane(programs.DataPlane):
    """dmm-dp, ready when it is started; a log of its own, unlike those before it in this node."""

    def start(self, configured=False):
        """configured: an earlier process has left addresses and routes."""
        log = self.node.directory / "dmm-dp.log"
        self.before = len(log.read_text()) if log.exists() else 0
        if configured:
            self.configure = lambda: None
        super().start()
        wait_for(lambda: self.process.require() or "event=ready" in self.said(), "dmm-dp to be ready")
        self.configure()

    def said(self):
        return self.process.output()[self.before:]


@pytest.fixture
def data_plane(lab, build):
    """dmm-dp with its twins configured, alone."""
    plane = DataPlane(lab.gw, build)
    plane.start()
    yield plane
    if plane.process.running():
        assert plane.process.stop() == 0, plane.said()[-3000:]


@pytest.fixture
def another(lab, build):
    """another(FILE): dmm-dp with this configuration, not started; ended if its test does not get so far."""
    made = []

    def make(file):
        made.append(DataPlane(lab.gw, build, file))
        return made[-1]
    yield make
    for plane in made:
        if plane.process and plane.process.running():
            plane.process.stop()


@pytest.fixture
def bare(lab, build):
    """bare(WORD...): runs dmm-dp, led by the words, to its end; returns (exit status, output)."""
    numbers = iter(range(1000))

    def run(*words, name="bare"):
        process = lab.gw.start(f"{name}-{next(numbers)}", *words, programs.program(build, "dmm-dp"),
                               "--config", programs.CONFIGS / "dmm-dp.cfg")
        return process.wait(), process.output()
    return run


def ping(node, address, count=3, limit=("-W", 2)):
    """Replies to pings, each as a line. Late ones may be missed."""
    output = node.run("ping", "-n", "-c", count, "-i", "0.05", *limit, address, check=False)
    return [line for line in output.splitlines() if "bytes from" in line]


def answers(node, address, count=3):
    """The same for pings of which each is answered, however late: others follow until so many are,
    and which are missing is seen by what came instead."""
    replies = ping(node, address, count, ("-w", 60))
    return [line for line in replies if int(re.search(r"icmp_seq=(\d+)", line)[1]) <= count]


def reached(node, address):
    wait_for(lambda: len(ping(node, address, 1)) == 1, f"{address} to answer")


def tables(lab):
    return [line for line in lab.gw.run("nft", "list", "tables").splitlines() if "dmm_dp" in line]


def settings(lab):
    """What dmm-dp changes of the interfaces below its ports."""
    found = {}
    for interface in PORTS.values():
        flags = lab.gw.ip_json("link", "show", "dev", interface)[0]["flags"]
        disabled = lab.gw.run("cat", f"/proc/sys/net/ipv6/conf/{interface}/disable_ipv6").strip()
        found[interface] = (sorted({"NOARP", "PROMISC", "ALLMULTI"} & set(flags)), disabled)
    return found


def test_forwards_what_linux_routes(lab, data_plane):
    reached(lab.cn, HOST)
    replies = answers(lab.cn, HOST, 10)
    assert len(replies) == 10
    # Two routers, core and the gateway, and nobody answers twice.
    assert all("ttl=62" in line and "DUP" not in line for line in replies)
    assert len(answers(lab.host, CN, 10)) == 10


def test_the_gateways_own_addresses_answer(lab, data_plane):
    assert len(answers(lab.host, HOME_ROUTER)) == 3
    assert len(answers(lab.cn, HOME_ROUTER)) == 3
    assert len(answers(lab.gw, HOST)) == 3


def test_the_kernel_is_cut_off(lab, data_plane):
    reached(lab.cn, HOST)
    data_plane.process.send(signal.SIGSTOP)
    try:
        assert ping(lab.cn, HOST) == []
        assert ping(lab.host, HOME_ROUTER) == []
    finally:
        data_plane.process.send(signal.SIGCONT)
    reached(lab.cn, HOST)


def test_neighbours_are_found_again(lab, data_plane):
    reached(lab.cn, HOST)
    for _ in range(3):
        lab.gw.ip("neigh flush dev core", "neigh flush dev home")
        # The packets that ask for the resolution wait for it: none is lost.
        assert len(answers(lab.cn, HOST, 2)) == 2


def test_gateways_are_found_before_packets_come(lab, data_plane):
    """Nothing is sent there; a burst would be lost while the MAC of a new gateway is asked for."""
    gateway, prefix = "2001:db8:1::77", "2001:db8:77::/48"
    lab.core.ip(f"address add {gateway}/64 dev gw nodad")
    lab.gw.ip(f"route add {prefix} via {gateway} dev core")
    try:
        wait_for(lambda: any(neighbour["dst"] == gateway and "lladdr" in neighbour
                             for neighbour in lab.gw.ip_json("neigh", "show", "dev", "core")),
                 "the MAC of the gateway of a route")
    finally:
        lab.gw.ip(f"route delete {prefix}")
        lab.core.ip(f"address delete {gateway}/64 dev gw")


def test_a_neighbour_that_changes_its_mac_is_followed(lab, data_plane):
    reached(lab.cn, HOST)
    old = lab.host.mac("eth0")
    lab.host.ip("link set eth0 address 02:00:00:00:77:01")
    try:
        reached(lab.host, HOME_ROUTER)
        reached(lab.cn, HOST)
    finally:
        lab.host.ip(f"link set eth0 address {old}")
        reached(lab.host, HOME_ROUTER)


def test_routes_are_followed(lab, data_plane):
    reached(lab.cn, HOST)
    lab.gw.ip(f"route add blackhole {HOST}/128")
    wait_for(lambda: ping(lab.cn, HOST, 1) == [], "the blackhole to be in use")
    lab.gw.ip(f"route del blackhole {HOST}/128")
    reached(lab.cn, HOST)
    # A worse route changes nothing, a better one does, and its end as well.
    lab.gw.ip(f"route add blackhole {HOST}/128 metric 2000", f"route add {HOST}/128 dev home metric 10")
    reached(lab.cn, HOST)
    lab.gw.ip(f"route del {HOST}/128 dev home metric 10")
    wait_for(lambda: ping(lab.cn, HOST, 1) == [], "the worse route to be in use")
    lab.gw.ip(f"route del blackhole {HOST}/128")
    reached(lab.cn, HOST)


def test_a_new_default_route_replaces_the_old(lab, data_plane):
    reached(lab.host, CN)
    lab.gw.ip("route replace default via 2001:db8:100::dead dev home")
    wait_for(lambda: ping(lab.host, CN, 1) == [], "the wrong route to be in use")
    data_plane.configure()
    reached(lab.host, CN)


def test_lost_changes_are_made_good(lab, data_plane):
    """More changes than fit into a socket while dmm-dp does not look: it reads everything again."""
    reached(lab.cn, HOST)
    routes = [f"2001:db8:{0x1000 + i:x}::/48" for i in range(12000)]
    data_plane.process.send(signal.SIGSTOP)
    try:
        lab.gw.ip(*(f"route add {route} dev home" for route in routes),
                  *(f"route del {route} dev home" for route in routes),
                  f"route add blackhole {HOST}/128")
    finally:
        data_plane.process.send(signal.SIGCONT)
    wait_for(lambda: "event=changes-lost" in data_plane.said(), "the loss to be noticed")
    wait_for(lambda: ping(lab.cn, HOST, 1) == [], "the last change to be in use")
    lab.gw.ip(f"route del blackhole {HOST}/128")
    reached(lab.cn, HOST)


def test_a_twin_that_is_down_forwards_nothing(lab, data_plane):
    reached(lab.cn, HOST)
    lab.gw.ip("link set home down")
    wait_for(lambda: ping(lab.cn, HOST, 1) == [], "the twin's routes to be gone")
    data_plane.configure()
    lab.gw.ip(f"address replace {HOME_ROUTER}/64 dev home nodad")
    reached(lab.cn, HOST)


def test_the_twin_has_the_carrier_of_its_port(lab, data_plane):
    def carrier():
        return "LOWER_UP" in lab.gw.ip_json("link", "show", "dev", "core")[0]["flags"]

    wait_for(carrier, "a carrier")
    lab.core.ip("link set gw down")
    wait_for(lambda: not carrier(), "the carrier to be lost")
    lab.core.ip("link set gw up")
    wait_for(carrier, "the carrier to be back")
    # Linux forgets addresses and routes of a router's interface that was down.
    lab.core.ip("address replace 2001:db8:1::ff/64 dev gw nodad",
                "route replace 2001:db8:100::/64 via 2001:db8:1::1")
    data_plane.configure()
    reached(lab.cn, HOST)


def test_mtu_of_the_twin_is_that_of_the_port(lab, data_plane):
    reached(lab.cn, HOST)
    assert len(answers(lab.cn, HOST)) == 3
    lab.gw.ip("link set home mtu 1400")
    wait_for(lambda: "event=mtu-changed port=home mtu=1400" in data_plane.said(),
             "the MTU to be taken over")
    lab.gw.ip("link set home mtu 1500")
    wait_for(lambda: "event=mtu-changed port=home mtu=1500" in data_plane.said(),
             "the MTU to be taken back")


def test_end_gives_everything_back(lab, build):
    before = settings(lab)
    plane = DataPlane(lab.gw, build)
    plane.start()
    assert len(tables(lab)) == 2
    assert settings(lab) != before
    assert plane.process.stop() == 0
    assert plane.process.output().rstrip().endswith("event=stopped")
    assert tables(lab) == []
    assert settings(lab) == before
    # The twins stay, with their addresses, for the next process.
    assert HOME_ROUTER in lab.gw.addresses("home")


def test_a_crash_leaves_nothing_for_ever(lab, build):
    before = settings(lab)
    plane = DataPlane(lab.gw, build)
    plane.start()
    reached(lab.cn, HOST)
    plane.process.send(signal.SIGKILL)
    plane.process.wait()
    # Nobody forwards behind its back in the meantime.
    assert ping(lab.cn, HOST) == []

    # Addresses and routes are still there: the next one forwards without being configured.
    again = DataPlane(lab.gw, build)
    again.start(configured=True)
    reached(lab.cn, HOST)
    assert "leftover-cleaned" in again.said()
    assert len(tables(lab)) == 2
    assert again.process.stop() == 0
    assert tables(lab) == []
    assert settings(lab) == before


def test_refused_when_the_kernel_cannot_be_cut_off(lab, bare):
    before = settings(lab)
    status, output = bare("env", "PATH=/nowhere")
    assert status == 1
    assert "cut-off-failed" in output and "v-core" in output and "nft" in output
    assert settings(lab) == before
    assert tables(lab) == []


def test_refused_when_the_interface_is_not_there(lab, build, tmp_path):
    file = tmp_path / "dp.cfg"
    file.write_text((programs.CONFIGS / "dmm-dp.cfg").read_text().replace("v-home", "v-nothing"))
    process = lab.gw.start("no-interface", programs.program(build, "dmm-dp"), "--config", file)
    assert process.wait() == 1
    assert "v-nothing" in process.output()
    assert tables(lab) == []


def test_refused_when_the_twins_name_is_taken(lab, build, tmp_path):
    file = tmp_path / "dp.cfg"
    file.write_text((programs.CONFIGS / "dmm-dp.cfg").read_text().replace('"core"', '"taken"'))
    lab.gw.ip("link add taken type veth peer name taken2")
    try:
        process = lab.gw.start("taken", programs.program(build, "dmm-dp"), "--config", file)
        assert process.wait() == 1
        assert "twin-failed port=taken" in process.output()
        assert tables(lab) == []
    finally:
        lab.gw.ip("link del taken")


def test_a_second_process_is_refused_and_disturbs_nothing(lab, data_plane, bare):
    reached(lab.cn, HOST)
    status, output = bare(name="second")
    assert status == 1
    assert "another process has this interface" in output
    assert len(tables(lab)) == 2
    replies = answers(lab.cn, HOST, 5)
    assert len(replies) == 5 and not any("DUP" in line for line in replies)


def test_forwards_on_without_hugepages(lab, build, tmp_path):
    file = tmp_path / "dp.cfg"
    text = (programs.CONFIGS / "dmm-dp.cfg").read_text()
    assert 'hugepages = "auto"' in text
    file.write_text(text.replace('hugepages = "auto"', 'hugepages = "no"'))
    plane = DataPlane(lab.gw, build, file)
    plane.start()
    reached(lab.cn, HOST)
    assert "event=hugepages-not-used" in plane.said()
    assert plane.process.stop() == 0


def test_hugepages_that_others_were_quicker_to_take(lab, another, tmp_path):
    """The kernel, as far as the data plane sees, promises more than it has."""
    promise, file = tmp_path / "free_hugepages", tmp_path / "dp.cfg"
    promise.write_text("1000000\n")
    text = (programs.CONFIGS / "dmm-dp.cfg").read_text()
    beyond = 2 * (int(ledger.HUGEPAGES.read_text()) + 1000)  # of 2 MiB; other runs may have many, too
    file.write_text(text.replace('hugepages = "auto"', f'hugepages = "auto"; memory = {beyond}'))
    plane = another(file)
    plane.wrapper = ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" "$1"; shift; exec "$@"', promise,
                     ledger.HUGEPAGES.parent / "free_hugepages")
    plane.start()
    reached(lab.cn, HOST)
    assert "event=start-again reason=hugepages-taken" in plane.said()
    assert plane.process.stop() == 0


def test_hugepages_that_are_not_there_are_refused_when_wanted(lab, build, tmp_path):
    file = tmp_path / "dp.cfg"
    text = (programs.CONFIGS / "dmm-dp.cfg").read_text()
    file.write_text(text.replace('hugepages = "auto"', 'hugepages = "yes"; memory = 1048576'))
    process = lab.gw.start("hugepages", programs.program(build, "dmm-dp"), "--config", file)
    assert process.wait() == 1
    assert "hugepages-missing" in process.output()


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_two_workers(lab, another, tmp_path):
    cores = sorted(os.sched_getaffinity(0))[:2]
    file = tmp_path / "dp.cfg"
    file.write_text((programs.CONFIGS / "dmm-dp.cfg").read_text() + f"workers = {cores};\n")
    plane = another(file)
    plane.start()
    assert "rx_queues=2 tx_queues=2" in plane.said()
    reached(lab.cn, HOST)
    replies = answers(lab.cn, HOST, 20)
    assert len(replies) == 20 and not any("DUP" in line for line in replies)
    assert len(answers(lab.host, HOME_ROUTER, 5)) == 5
    assert plane.process.stop() == 0


def test_a_next_hop_that_nobody_answers_for_is_reported(lab, build, data_plane):
    """RFC 4443, 3.1 code 3. The gateway speaks with the address that control gave it."""
    control = programs.Control(lab.gw, build)
    control.start()
    wait_for(lambda: "event=synced" in data_plane.said(), "the data plane to be synchronised")
    output = lab.cn.run("ping", "-n", "-c", "1", "-W", "20", NOBODY, check=False, timeout=60)
    assert f"From {HOME_AGENT}" in output and "Address unreachable" in output
    assert control.process.stop() == 0


def test_control_that_goes_is_reported_and_missed_by_nobody(lab, build, data_plane):
    control = programs.Control(lab.gw, build)
    control.start()
    wait_for(lambda: "event=synced" in data_plane.said(), "the data plane to be synchronised")
    control.process.send(signal.SIGKILL)
    control.process.wait()
    wait_for(lambda: "event=control-lost" in data_plane.said(), "the loss to be noticed")
    assert len(answers(lab.cn, HOST, 5)) == 5
    synced = data_plane.said().count("event=synced")
    try:
        control.start()
        wait_for(lambda: data_plane.said().count("event=synced") > synced,
                 "the data plane to be synchronised again")
    except LabError:
        control.process.send(signal.SIGKILL)
        raise
    assert control.process.stop() == 0
