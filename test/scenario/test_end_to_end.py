"""What tools/bench end-to-end builds on: gateway and generator over shared memory."""

import sys

import pytest

from lab import ledger, programs
from lab.topology import Lab
from conftest import ROOT

sys.path.insert(0, str(ROOT / "test/bench"))

from bench_end_to_end import TRANSPORTS, Bench, options_of  # noqa: E402

NODES = 20


@pytest.fixture(params=TRANSPORTS)
def bench(build, request, tmp_path_factory):
    # Names of sockets are short.
    with Lab("shared", tmp_path_factory.mktemp(request.param)) as network:
        ledger.reserve_hugepages(network.ledger, 256)
        made = Bench(network, build, request.param, options_of(["--subscribers", str(NODES)]))
        # The gateway may have to wait for a processor while packets are under way.
        programs.changed_copy(made.config, made.config, [('settle = "200ms";', 'settle = "5s";')])
        yield made
        made.stop()


def test_traffic_over_shared_memory(bench):
    bench.start()
    figures = bench.generate("traffic", "--streams", "downlink,uplink", "--sizes", "64,1400", "--rate",
                             1000, "--seconds", 1)
    for stream in figures["result"]["streams"].values():
        assert stream["sent"] > 0
        assert (stream["received"], stream["astray"]) == (stream["sent"], 0)
