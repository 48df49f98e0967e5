"""tools/demo multihoming as a user runs it."""

import json
import subprocess

import pytest

from lab import ledger, programs
from rig import PATIENT


@pytest.fixture(scope="module")
def demo(build, tmp_path_factory):
    """The outcome of one run: (process, JSON, output directory)."""
    directory = tmp_path_factory.mktemp("multihoming")
    done = subprocess.run([programs.ROOT / "tools/demo", "multihoming", "--build", build,
                           "--json", directory / "demo.json", "--output", directory / "out"],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600, env=PATIENT)
    print(done.stdout)
    return done, json.loads((directory / "demo.json").read_text()), directory / "out"


def test_the_flow_moves_and_nothing_breaks(demo):
    done, result, _ = demo
    assert done.returncode == 0, done.stdout[-4000:]
    assert result["ok"] is True and result["problems"] == []
    assert {flow["name"]: flow["interface"] for flow in result["flows"]} == {
        "video": "wlan0", "files": "lte0"}
    assert all(flow["intact"] and flow["bytes"] > 500_000 for flow in result["flows"])
    assert (result["cut"]["to"], result["back"]["to"]) == ("lte0", "wlan0")
    for turn in ("cut", "back"):
        assert result[turn]["signalling_ms"] > 0 and result[turn]["moved_ms"] > 0


def test_picture(demo):
    _, _, output = demo
    drawn = (output / "timeline.svg").read_text()
    for words in ("Wi-Fi is cut", "Wi-Fi is back", "video", "files", "BU", "BA"):
        assert words in drawn
    assert (output / "timeline.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_nothing_is_left(demo):
    assert not ledger.Ledger.all("multihoming")
