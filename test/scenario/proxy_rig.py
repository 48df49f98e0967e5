"""Fixtures that tests of Proxy Mobile IPv6 have in common. A test imports those that it needs; HUGEPAGES of
its module says how many there are to be, ANCHOR_CHANGES what of the anchor's configuration is different."""

import contextlib
import itertools

import pytest

from lab import ledger
from lab.proxy import Anchor, ProxyLab
from lab.system import wait_for
from paths import stop
from peer import Ear

NUMBERS = itertools.count(1)
PATIENT = ('timestamp_window = "300ms"', 'timestamp_window = "30s"')  # the machine that tests run on may be slow


@contextlib.contextmanager
def proxy_lab(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp(request.module.__name__)
    with ProxyLab("test", directory) as network:
        ledger.reserve_hugepages(network.ledger, request.module.HUGEPAGES)
        network.build()
        yield network


@pytest.fixture(scope="module")
def lab(build, tmp_path_factory, request):
    with proxy_lab(request, tmp_path_factory) as network:
        yield network


@pytest.fixture(scope="module")
def anchor(lab, build, request):
    started = Anchor(lab, build)
    started.control.reconfigure(PATIENT, *getattr(request.module, "ANCHOR_CHANGES", ()))
    started.start()
    yield started
    stop(started)


@pytest.fixture(scope="module")
def ear(lab):
    """What comes to the correspondent."""
    heard = Ear(lab.cn, "eth0")
    yield heard
    heard.close()


@pytest.fixture
def node():
    """The identifier of a node that nobody has seen before."""
    return f"host{next(NUMBERS)}@example.net"


def reaches(node, destination, source=None):
    """A ping is answered, perhaps not the first: the host may just have come."""
    words = ["-I", source] if source else []
    wait_for(lambda: " 1 received" in node.run("ping", "-6", "-c", "1", "-W", "1", *words, destination,
                                              check=False), f"{destination} to answer")
