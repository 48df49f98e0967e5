"""How fixtures of all files make their network, and end the programs in it."""

import contextlib
import os

from lab import examples, ledger

# The environment of demonstrations that tests have play.
PATIENT = os.environ | {"DMM_CONFIGS": str(examples.CONFIGS)}


@contextlib.contextmanager
def network(kind, request, tmp_path_factory, hugepages):
    """A network of lab.topology, or one that derives from it, for the tests of a file."""
    with kind("test", tmp_path_factory.mktemp(request.module.__name__)) as made:
        ledger.reserve_hugepages(made.ledger, hugepages)
        made.build()
        yield made


def end(*programs):
    """Ends those that run; what they say wrong at the end fails the file."""
    for program in programs:
        if program.process and program.process.running():
            status = program.process.stop()
            assert status == 0, f"{program.process.name} ended with {status}:\n{program.process.output()[-3000:]}"


def stop(part):
    """Ends an anchor, an access gateway, or a gateway with one data plane."""
    end(part.data_plane, part.control)
