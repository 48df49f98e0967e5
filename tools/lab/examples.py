"""The configurations that the laboratory starts programs with: the examples an operator finds.

By their times the programs of a machine that runs many tests at once take each other for dead, and drop what
they have no time for. Whoever tests something else calls patient_copies() before importing what reads the
examples; demonstrations, which show those times, never do, but where a test has them play (DMM_CONFIGS names
the copies)."""

import os
import pathlib
import re
import shutil

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ORIGINALS = ROOT / "configs"
CONFIGS = pathlib.Path(os.environ.get("DMM_CONFIGS", ORIGINALS))

# By a setting that only configurations of the program have. Nodes that tests play say a thing once.
OVERLOAD = 'overload = { wait = "10s"; };\n'
PATIENCE = {"roles": 'channel = { ack_timeout = "10s"; heartbeat = "300ms"; heartbeats_missed = 10; };\n' + OVERLOAD,
            "ports": 'channel = { heartbeat = "300ms"; heartbeats_missed = 10; };\n'}


def patient_copies(to):
    """Uses copies, below a new directory, in which the planes wait longer for each other."""
    global CONFIGS
    CONFIGS = pathlib.Path(to)
    shutil.copytree(ORIGINALS, CONFIGS)
    for file in CONFIGS.rglob("*.cfg"):
        text = file.read_text()
        for setting, patient in PATIENCE.items():
            if re.search(rf"(?m)^{setting} = ", text):
                text = re.sub(r"(?m)^(channel|overload) = \{(.|\n)*?^\};\n", "", text) + "\n" + patient
        file.write_text(text)
