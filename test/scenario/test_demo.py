"""tools/demo as a user runs it, and what an independent reader thinks of its packets."""

import json
import os
import subprocess

import pytest

import mhdump
from lab import ledger, programs
from lab.system import run


@pytest.fixture(scope="module")
def demo(build, tmp_path_factory):
    """The outcome of one run: (process, JSON, output directory)."""
    directory = tmp_path_factory.mktemp("demo")
    moves = os.environ.get("DMM_DEMO_MOVES", "4")
    done = subprocess.run([programs.ROOT / "tools/demo", "--build", build, "--moves", moves,
                           "--json", directory / "demo.json", "--output", directory / "out"],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900)
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


def test_picture(demo):
    _, _, output = demo
    assert "<svg" in (output / "timeline.svg").read_text()
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
