"""tools/sizing: the arithmetic between measured cycles and cores."""

import json
import subprocess

import pytest

from conftest import ROOT

MACHINE = {"machine": {"tsc_hz": 2e9}}
GRAPH = {"results": [
    {"work": "encap", "subscribers": 1000, "octets": 100, "cycles": 90.0, "pages": "2M"},
    {"work": "encap", "subscribers": 1000, "octets": 100, "cycles": 400.0, "pages": "4K"},
    {"work": "encap", "subscribers": 1000, "octets": 100, "cycles": 100.0},
    {"work": "decap", "subscribers": 1000000, "octets": 1000, "cycles": 200.0},
    {"work": "route", "subscribers": 1000, "octets": 100, "cycles": 1.0}]}
OUTSIDE = {"end_to_end": [{"direction": "downlink", "subscribers": 50, "octets": 64, "no_drop_pps": 1e6}]}


@pytest.fixture
def sizing(tmp_path):
    def run(document, *words):
        path = tmp_path / "figures.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        done = subprocess.run([ROOT / "tools/sizing", *words, path], capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr
    return run


def rows(output):
    return [line.split() for line in output.splitlines()[2:]]


def test_cores_for_traffic(sizing):
    """Two GHz, half of it used: 100 cycles make 10 Mpps, which are 8 Gbit/s of 100 octets."""
    status, output, _ = sizing(MACHINE | GRAPH, "--load", "50", "--gbit", "8,8.1,80")
    assert status == 0
    assert rows(output) == [["downlink", "1000", "100", "100.0", "10.000", "1", "2", "10"],
                            ["uplink", "1000000", "1000", "200.0", "5.000", "1", "1", "2"]]


def test_cards_and_clock(sizing):
    _, output, _ = sizing(MACHINE | GRAPH, "--load", "100", "--gbit", "8", "--io-cycles", "100", "--ghz", "4")
    assert rows(output)[0] == ["downlink", "1000", "100", "200.0", "20.000", "1"]


def test_pages(sizing):
    _, output, _ = sizing(MACHINE | GRAPH, "--load", "100", "--gbit", "1", "--pages", "4K")
    assert rows(output)[0][3] == "400.0"


def test_figures_from_outside_need_no_addition(sizing):
    _, output, _ = sizing(MACHINE | OUTSIDE, "--load", "100", "--gbit", "1", "--io-cycles", "100")
    assert rows(output) == [["downlink", "50", "64", "2000.0", "1.000", "2"]]


@pytest.mark.parametrize("document, about", [
    ("{", "figures.json"), ({}, "--ghz"), (MACHINE, "encap"), (OUTSIDE, "--ghz")])
def test_files_that_do_not_help(sizing, document, about):
    status, output, error = sizing(document)
    assert status == 1 and output == "" and about in error


@pytest.mark.parametrize("words", [("--load", "0"), ("--gbit", "ten"), ("--lod", "1")])
def test_wrong_arguments(sizing, words):
    assert sizing(MACHINE | GRAPH, *words)[0] == 2
