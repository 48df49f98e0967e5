"""The configurations that the laboratory starts programs with: the examples an operator finds.

By their times the programs of a machine that runs many tests at once take each other for dead. Whoever
tests something else calls patient_copies() before importing what reads the examples; demonstrations,
which show those times, never do."""

import pathlib
import re
import shutil

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ORIGINALS = ROOT / "configs"
CONFIGS = ORIGINALS

# By a setting that only configurations of the program have.
PATIENCE = {"roles": 'ack_timeout = "2s"; heartbeat = "300ms"; heartbeats_missed = 10;',
            "ports": 'heartbeat = "300ms"; heartbeats_missed = 10;'}


def patient_copies(to):
    """Uses copies, below a new directory, in which the planes wait longer for each other."""
    global CONFIGS
    CONFIGS = pathlib.Path(to)
    shutil.copytree(ORIGINALS, CONFIGS)
    for file in CONFIGS.rglob("*.cfg"):
        text = file.read_text()
        for setting, channel in PATIENCE.items():
            if re.search(rf"(?m)^{setting} = ", text):
                text = re.sub(r"(?m)^channel = \{(.|\n)*?^\};\n", "", text) + f"\nchannel = {{ {channel} }};\n"
        file.write_text(text)
