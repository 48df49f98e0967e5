"""Running commands and waiting for conditions."""

import os
import subprocess
import time


class LabError(Exception):
    """Something of the laboratory did not do what it must; the text is for the user."""


def run(*command, check=True, stdin=None, timeout=600):
    """Runs a command to its end and returns its standard output."""
    done = subprocess.run([str(word) for word in command], input=stdin, text=True, timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if check and done.returncode != 0:
        words = " ".join(str(word) for word in command)
        raise LabError(f"'{words}' failed ({done.returncode}): {(done.stderr or done.stdout).strip()}")
    return done.stdout


def wait_for(condition, what, limit=60, pause=0.02):
    """Waits until condition() is true and returns its value; 'what' completes 'waited for ...'.

    The limit is generous: it decides when to give up, never whether something was fast enough. No
    more than half of the time goes into asking."""
    end = time.monotonic() + limit * float(os.environ.get("DMM_PATIENCE", "1"))
    while True:
        asked = time.monotonic()
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise LabError(f"waited {limit} s in vain for {what}")
        time.sleep(max(pause, min(time.monotonic() - asked, 0.2)))


def start_time(pid):
    """When a process started, in clock ticks since boot: with the pid it names a process for good.
    None if there is no such process (a zombie is none)."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def tail(path, lines=15):
    """The end of a log, for an error message."""
    try:
        with open(path, errors="replace") as file:
            return "".join(file.readlines()[-lines:])
    except OSError:
        return ""
