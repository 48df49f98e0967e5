"""tools/demo pmip as a user runs it."""

import json
import subprocess

import pytest

from lab import ledger, programs
from rig import PATIENT


@pytest.fixture(scope="module")
def demo(build, tmp_path_factory):
    """The outcome of one run: (process, JSON, output directory)."""
    directory = tmp_path_factory.mktemp("pmip")
    done = subprocess.run([programs.ROOT / "tools/demo", "pmip", "--moves", "2", "--build", build,
                           "--json", directory / "demo.json", "--output", directory / "out"],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600, env=PATIENT)
    print(done.stdout)
    return done, json.loads((directory / "demo.json").read_text()), directory / "out"


def test_the_host_keeps_its_address(demo):
    done, result, _ = demo
    assert done.returncode == 0, done.stdout[-4000:]
    assert result["ok"] is True and result["problems"] == []
    assert result["address"].startswith("2001:db8:40")
    assert [(move["from"], move["to"]) for move in result["moves"]] == [("mag1", "mag2"), ("mag2", "mag3")]
    for move in result["moves"]:
        assert move["signalling_ms"] > 0 and move["path_back_ms"] >= move["seen_ms"] > 0
        assert move["status"] == 0
    assert result["tcp"]["intact"] and result["tcp"]["bytes"] > 500_000


def test_two_links_of_a_gateway(demo):
    paths = demo[1]["paths"]
    assert paths["ok"] is True and paths["problems"] == []
    assert [(flow["name"], flow["link"], flow["intact"]) for flow in paths["downloads"]] == \
        [("video", "WLAN", True), ("files", "LTE", True)]
    for turn, link in ("cut", "LTE"), ("back", "WLAN"):
        assert paths[turn]["to"] == link and paths[turn]["moved_ms"] > 0
        assert paths[turn]["interruption_ms"] > 0 and paths[turn]["lost"] is not None
    assert [tuple(share["weights"].values()) for share in paths["shares"]] == [(3, 1), (1, 3)]
    for share in paths["shares"]:
        for way in "down", "up":
            assert abs(share[f"wlan_{way}"] - share["wlan_wanted"]) <= 0.02


def test_picture(demo):
    _, _, output = demo
    drawn = (output / "timeline.svg").read_text()
    for words in ("link 1", "tunnel to mag3", "mag2 to mag3", "PBU", "PBA", "WLAN is cut", "weights 3:1"):
        assert words in drawn
    assert (output / "timeline.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_nothing_is_left(demo):
    assert not ledger.Ledger.all("pmip")
