"""What the demos share: their arguments, where the outcome goes, and how they end."""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

from lab import demos, ledger, programs
from lab.system import LabError, run


def writable(name):
    """A file that can be written at the end of a run, or argparse's error at its beginning."""
    path = pathlib.Path(name).absolute()
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"{name} cannot be written")
    return path


def parser(prog, description):
    """The arguments that every demo has."""
    made = argparse.ArgumentParser(prog=prog, description=description,
                                   epilog=demos.listing(),
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--json", metavar="FILE", type=writable,
                      help="also write the figures here")
    made.add_argument("--build", metavar="DIR", type=pathlib.Path, default=programs.ROOT / "build",
                      help="build directory (build)")
    made.add_argument("--output", metavar="DIR", type=pathlib.Path,
                      help="where logs, captures and the picture go (BUILD/NAME of the demo)")
    made.add_argument("--keep", action="store_true",
                      help="leave the network and the programs running; see --stop")
    made.add_argument("--stop", action="store_true",
                      help="remove what this demo left running, and end; tools/demo --stop: what any left")
    return made


def stop(label):
    """Ends every demo of this kind on this machine, or of any, and removes what it made."""
    found = [entry for one in demos.labels(label) for entry in ledger.Ledger.all(one)]
    for entry in found:
        owner = entry.owner()
        if owner:
            ledger.end_processes([(owner, ledger.start_time(owner))], patience=30)
        entry.remove()
        print(f"removed {entry.name}")
    if not found:
        print("nothing to remove")


def prepare(build):
    """Installs the packages that are missing, and builds. False: it said why it cannot."""
    steps = [[programs.ROOT / "tools/setup", "--quiet"], ["ninja", "-C", build, "programs"]]
    if not (build / "build.ninja").exists():
        steps.insert(1, ["meson", "setup", build, programs.ROOT])
    sys.stdout.flush()
    return all(subprocess.run(step).returncode == 0 for step in steps)


def draw(picture, drawn):
    """Writes a picture as SVG, and beside it as PNG."""
    picture.write_text(drawn)
    run("rsvg-convert", "--output", picture.with_suffix(".png"), picture)


def perform(label, args, network, make):
    """Plays a demo and tells what came of it; its exit code.

    make(lab, build) is the show: it has play(), picture(), table(path), doors(), ok(), as_json() and
    problems. What it throws as a LabError is one more problem."""
    if args.stop:
        stop(label)
        return 0
    if os.geteuid() != 0:
        print("tools/demo: needs root for network namespaces", file=sys.stderr)
        return 1
    if not prepare(args.build.resolve()):
        return 1
    output = (args.output or args.build / label).resolve()
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    # What an earlier --keep left would be in the way of nothing, but it holds memory.
    for kept in ledger.Ledger.all(label):
        if not kept.in_use():
            kept.remove()
    picture = output / "timeline.svg"
    with network(label, output) as lab:
        show = make(lab, args.build.resolve())
        try:
            show.play()
            draw(picture, show.picture())
        except LabError as error:
            show.problems.append(str(error))
        if picture.exists():
            print(show.table(picture))
        lab.keep = args.keep
        if args.keep:
            print(show.doors())
    for problem in show.problems:
        print(f"tools/demo: {problem}", file=sys.stderr)
    if args.json:
        args.json.write_text(json.dumps(show.as_json(), indent=2) + "\n")
    print("ok" if show.ok() else f"FAILED (logs: {output})")
    return 0 if show.ok() else 1


def end(main):
    """Runs main() as the program."""
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("tools/demo: interrupted, everything is removed", file=sys.stderr)
        sys.exit(130)
