"""What a run has made on this machine, written down before or as it is made.

Each run has a file under /run/dmm-lab with one JSON line for each namespace, process and hugepage
reservation. Whoever finds the file of a run that is gone can remove all of it and nothing else."""

import contextlib
import fcntl
import json
import os
import pathlib
import re
import signal
import subprocess

from lab.system import LabError, run, start_time, wait_for

DIRECTORY = pathlib.Path("/run/dmm-lab")
HUGEPAGES = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages")


class Ledger:
    """The file of one run. 'name' is also the prefix of its namespaces."""

    def __init__(self, name, path=None):
        self.name = name
        self.path = path or DIRECTORY / name
        DIRECTORY.mkdir(exist_ok=True)

    @classmethod
    def all(cls, label):
        """Every run of one kind (demo, test) that left its file."""
        if not DIRECTORY.is_dir():
            return []
        return [cls(path.name) for path in sorted(DIRECTORY.iterdir())
                if path.name.startswith(label + "-")]

    def note(self, kind, **what):
        with open(self.path, "a") as file:
            file.write(json.dumps({"kind": kind} | what) + "\n")

    def note_process(self, kind, pid):
        self.note(kind, pid=pid, start=start_time(pid))

    def begin(self):
        """Makes the file, with this program as the run's owner from its first moment: others, that look
        for runs without one, must never see it without."""
        pid = os.getpid()
        own = DIRECTORY / f".{self.name}"
        own.write_text(json.dumps({"kind": "owner", "pid": pid, "start": start_time(pid)}) + "\n")
        own.rename(self.path)

    def all_entries(self):
        """What the file says at this moment; nothing if it is gone."""
        try:
            text = self.path.read_text()
        except FileNotFoundError:
            return []
        entries = []
        for line in text.splitlines():
            with contextlib.suppress(ValueError):  # the writer died within the line
                entries.append(json.loads(line))
        return entries

    def entries(self, kind):
        return [entry for entry in self.all_entries() if entry["kind"] == kind]

    def owner(self):
        """The pid of the program that runs this laboratory, None if it is gone."""
        return owner_of(self.all_entries())

    def kept(self):
        return bool(self.entries("kept"))

    def in_use(self, kept=False):
        """Whether its program is there, or, if kept counts, it is kept on purpose; or nothing of it is left. Of
        one moment: a run that ends and the next one of its program have a file of the same name."""
        entries = self.all_entries()
        return (not entries or owner_of(entries) is not None
                or kept and any(entry["kind"] == "kept" for entry in entries))

    def remove(self):
        """Ends and removes everything in the file, then the file."""
        processes = {(e["pid"], e["start"]) for e in self.entries("process")}
        names = [e["name"] for e in self.entries("namespace")]
        names = [name for name in names if pathlib.Path("/run/netns", name).exists()]
        for name in names:  # what our programs started in turn
            listed = run("ip", "netns", "pids", name, check=False).split()
            processes |= {(int(pid), start_time(int(pid))) for pid in listed}
        end_processes(processes)
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL)
        with changing_hugepages() as change:
            change(self, -sum(entry["count"] for entry in self.entries("hugepages")))
        self.path.unlink(missing_ok=True)


def owner_of(entries):
    return next((entry["pid"] for entry in entries
                 if entry["kind"] == "owner" and start_time(entry["pid"]) == entry["start"]), None)


def alive(process):
    pid, start = process
    return start is not None and start_time(pid) == start


def end_processes(processes, patience=5):
    """Ends processes, given as (pid, start time): politely, then not."""
    for polite in (signal.SIGTERM, signal.SIGKILL):
        for pid, start in processes:
            if alive((pid, start)) and pid != os.getpid():
                try:
                    os.kill(pid, polite)
                except ProcessLookupError:
                    pass
        try:
            wait_for(lambda: not any(map(alive, processes)), "processes to end", patience)
            return
        except LabError:
            continue


def remove_leftovers(label):
    """Removes what runs of this kind left that are neither alive nor kept on purpose."""
    for ledger in Ledger.all(label):
        if not ledger.in_use(kept=True):
            ledger.remove()


def reserve_hugepages(ledger, count):
    """Adds 'count' 2 MiB hugepages to those of the machine, if memory allows; the data plane does
    without them otherwise. They are given back with the rest of the run. Pages that are free now
    are not counted on: another run may have reserved them and be about to use them."""
    if available() < 4 * count * 2048:
        return
    with changing_hugepages() as change:
        change(ledger, count)


def available():
    """KiB of memory that programs could still have."""
    line = re.search(r"^MemAvailable: *(\d+)", pathlib.Path("/proc/meminfo").read_text(), re.M)
    return int(line[1])


def lasting_hugepages():
    """Without those that go when their user ends: they were given back while in use."""
    surplus = HUGEPAGES.parent / "surplus_hugepages"
    return int(HUGEPAGES.read_text()) - int(surplus.read_text())


@contextlib.contextmanager
def changing_hugepages():
    """Runs side by side add and take away one after the other: change(ledger, COUNT) does so and
    notes it. Of a run that ends in the midst of it, the file of the lock tells the next one how
    many there were, which then notes what became of it."""
    # A container may not change them.
    with open(DIRECTORY / ".hugepages", "a+") as lock, contextlib.suppress(OSError):
        fcntl.flock(lock, fcntl.LOCK_EX)

        def end(ledger, before):
            if lasting_hugepages() != before:
                ledger.note("hugepages", count=lasting_hugepages() - before)
            lock.truncate(0)

        def change(ledger, count):
            if count == 0:
                return
            before = lasting_hugepages()
            lock.write(json.dumps({"name": ledger.name, "before": before}))
            lock.flush()
            HUGEPAGES.write_text(str(max(0, before + count)))
            end(ledger, before)

        lock.seek(0)
        with contextlib.suppress(OSError, ValueError):  # nothing, or it ended before it changed anything
            unfinished = json.loads(lock.read())
            end(Ledger(unfinished["name"]), unfinished["before"])
        lock.truncate(0)
        yield change
