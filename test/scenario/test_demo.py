"""tools/demo as a user runs it, and what an independent reader thinks of its packets."""

import json
import os
import subprocess

import pytest

import mhdump
from lab import demos, ledger, programs
from lab.system import run
from lab.topology import CN, HOME_ADDRESS
from lab.two_planes import ADDRESS
from rig import PATIENT


@pytest.fixture(scope="module")
def demo(build, tmp_path_factory):
    """The outcome of one run: (process, JSON, output directory)."""
    directory = tmp_path_factory.mktemp("demo")
    moves = os.environ.get("DMM_DEMO_MOVES", "4")
    done = subprocess.run([programs.ROOT / "tools/demo", "--build", build, "--moves", moves,
                           "--json", directory / "demo.json", "--output", directory / "out"],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900, env=PATIENT)
    print(done.stdout)
    return done, json.loads((directory / "demo.json").read_text()), directory / "out"


def test_everything_worked(demo):
    done, result, _ = demo
    assert done.returncode == 0, done.stdout[-4000:]
    assert result["ok"] is True
    assert [(move["from"], move["to"]) for move in result["moves"]] == [
        ("home", "a"), ("a", "b"), ("b", "a"), ("a", "home")]
    for move in result["moves"]:
        assert move["signalling_ms"] > 0 and move["interruption_ms"] >= 0 and move["lost"] >= 0
    assert result["tcp"]["intact"] is True and result["tcp"]["bytes"] > 1_000_000
    assert result["problems"] == []


def test_the_nearer_data_plane_serves_and_the_other_relays(demo):
    _, result, _ = demo
    assert [move["data_plane"] for move in result["moves"]] == ["dp1", "dp2", "dp1", None]
    for move in result["moves"]:
        assert move["to"] != "b" or move["relayed"]["dp1"] > 100
        assert move["relayed"]["dp2"] == 0


def test_programs_died(demo):
    done, result, output = demo
    control, restart = result["ctrl_restart"], result["dp_restart"]
    assert control["lost"] == 0
    assert control["bindings_before"] == control["bindings_after"] == 1
    # A program takes longer to start than the ping has between two packets.
    assert restart["interruption_ms"] > 10 and restart["resync_ms"] > 10
    assert result["dp_failover"]["interruption_ms"] > 0
    starts = {node: (output / node / f"{program}.log").read_text().count("event=ready")
              for node, program in (("ctrl", "dmm-ctrl"), ("gw", "dmm-dp"), ("gw2", "dmm-dp"))}
    assert starts == {"ctrl": 2, "gw": 2, "gw2": 2}
    for words in ("dmm-ctrl is killed", "dp1, which relays, is killed", "dp2, which serves, is killed",
                  "dp2 is started again"):
        assert words in done.stdout


def test_relayed_packets_are_in_their_capture(demo):
    """As tshark sees them: tunnels from dp1 to dp2 with the ping inside."""
    _, _, output = demo
    seen = run("tshark", "-r", output / "core/relayed.pcap", "-Y", "icmpv6.type == 128", "-T", "fields",
               "-E", "separator=|", "-e", "ipv6.src", "-e", "ipv6.dst").split()
    assert len(seen) > 100
    assert set(seen) == {f"{ADDRESS['dp1']},{CN}|{ADDRESS['dp2']},{HOME_ADDRESS}"}


def test_picture(demo):
    _, _, output = demo
    drawn = (output / "timeline.svg").read_text()
    assert "<svg" in drawn
    for words in ("dmm-ctrl killed", "dp1 killed", "dp2 killed", "synchronised", "refresh request"):
        assert words in drawn
    assert (output / "timeline.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_tshark_has_no_complaint(demo):
    _, _, output = demo
    capture = output / "mn/wlan0.pcap"
    seen = run("tshark", "-r", capture, "-Y", "mipv6", "-T", "fields", "-e", "mip6.mhtype").split()
    assert seen.count("5") >= 4 and seen.count("6") >= 4
    wrong = run("tshark", "-r", capture, "-Y", "mipv6 && (_ws.malformed || _ws.expert)", "-V")
    assert wrong.strip() == ""


def test_dmm_mhdump_finds_no_error(demo, build):
    _, _, output = demo
    seen = mhdump.assert_agree(build, output / "mn/wlan0.pcap")
    assert [m["error"] for m in seen] == [None] * len(seen) and len(seen) >= 8
    assert {m["checksum"] for m in seen} == {"good"}


def test_nothing_is_left(demo):
    assert not ledger.Ledger.all("demo")
    assert "demo-" not in run("ip", "netns", "list")


@pytest.mark.parametrize("words, says", [
    (["--json", "/nowhere/figures.json"], "/nowhere/figures.json cannot be written"),
    (["multihoming", "--json", "/tmp"], "/tmp cannot be written"),
    (["--bogus"], "unrecognized arguments: --bogus"),
    (["--moves", "1"], "at least 2"),
    (["juggling"], "tools/demo multihoming"),
])
def test_wrong_arguments_are_told_at_once(tmp_path, words, says):
    """Before anything is built: the build directory that is named is none."""
    build = tmp_path / "build"
    done = subprocess.run([programs.ROOT / "tools/demo", *words, "--build", build], text=True,
                          capture_output=True)
    assert done.returncode == 2 and says in done.stderr
    assert not build.exists() and "Traceback" not in done.stderr


def test_help_tells_of_all_demos():
    for words in ([], ["multihoming"]):
        done = subprocess.run([programs.ROOT / "tools/demo", *words, "--help"], text=True, capture_output=True)
        assert done.returncode == 0
        for demo in demos.DEMOS:
            assert f"tools/demo {demo}" in done.stdout
