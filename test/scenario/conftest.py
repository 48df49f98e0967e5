"""Fixtures of the scenario tests: real programs in the laboratory of tools/lab.

DMM_BUILD names the build directory of the programs (default: build). One network and one gateway
serve all tests of a file; each test gets subscribers of its own."""

import atexit
import itertools
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "test/scenario")]

from lab import examples  # noqa: E402

COPIES = pathlib.Path(tempfile.mkdtemp(prefix="dmm-configs-"))
atexit.register(shutil.rmtree, COPIES, ignore_errors=True)
examples.patient_copies(COPIES / "configs")

from lab import programs  # noqa: E402
from lab.system import wait_for  # noqa: E402
from lab.topology import Lab  # noqa: E402
from peer import Peer  # noqa: E402
from rig import end, network, stop  # noqa: E402

NUMBERS = itertools.count(0x100)

# They come first, so that with some files at a time none of them is left alone at the end.
LONGEST = ("test_two_data_planes", "test_mobile_node_alone", "test_data_plane", "test_forwarding",
           "test_demo")


def pytest_configure(config):
    # Otherwise a test would take the end of the session for its own failure.
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", 1))
    config.addinivalue_line("markers", "long: takes long; only in tools/check --long")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.stem not in LONGEST)


@pytest.fixture(scope="session")
def build():
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    return pathlib.Path(os.environ.get("DMM_BUILD", ROOT / "build")).resolve()


@pytest.fixture(scope="module")
def lab(build, tmp_path_factory, request):
    """The standard network; no program of ours runs in it."""
    with network(Lab, request, tmp_path_factory, 64) as made:
        yield made


@pytest.fixture(scope="module")
def gateway(lab, build):
    """dmm-ctrl and dmm-dp, synchronised. Whatever they said wrong at the end fails the file."""
    started = programs.Gateway(lab, build)
    started.start()
    yield started
    stop(started)


@pytest.fixture
def control(gateway):
    gateway.require()
    return gateway.control


@pytest.fixture
def policy(control, gateway):
    """policy(TEXT): gives dmm-ctrl another policy for multihoming, until the end of the test."""
    before = control.config

    def restart(text):
        control.process.stop()
        control.config = before
        if text:
            control.reconfigure(("binding = {", f"multihoming = {{ {text} }};\nbinding = {{"))
        control.start()
        wait_for(gateway.synchronised, "the data plane to be synchronised")
    yield restart
    restart(None)


@pytest.fixture
def subscriber(control):
    """Makes subscribers: subscriber(replay="sequence") adds one and returns its description."""
    made = []

    def make(**changes):
        number = next(NUMBERS)
        values = {"mn_id": f"node{number}@example.net",
                  "home_addresses": [f"2001:db8:100::{number:x}"],
                  "spi": number + 1000, "key": f"{number:032x}"} | changes
        values = {key: value for key, value in values.items() if value is not None}
        add(control, values)
        made.append(values["mn_id"])
        return values

    yield make
    for mn_id in made:
        control.ctl("subscriber", "del", mn_id, check=False)


def add(control, values):
    """Adds one subscriber by way of an import file."""
    path = control.node.directory / "import.jsonl"
    path.write_text(json.dumps(values) + "\n")
    control.ctl("subscriber", "import", path)


@pytest.fixture
def peer(lab, gateway):
    """A mobile node played by the test."""
    gateway.require()
    made = Peer(lab)
    yield made
    lab.plug(None)
    made.close()


@pytest.fixture
def mobile_node(lab, gateway, build):
    """The real dmm-mn with its example configuration, not started, its subscriber known."""
    gateway.import_subscribers()
    node = programs.MobileNode(lab.mn, build)
    lab.plug(None)
    yield node
    end(node)
    lab.plug(None)
    gateway.control.ctl("subscriber", "del", "mn1@example.net")


@pytest.fixture
def counted(control):
    """counted(NAME): how often a counter has moved since the fixture was made."""
    before = control.drops()
    return lambda name: control.drops().get(name, 0) - before.get(name, 0)
