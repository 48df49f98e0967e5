"""What the demos share: their arguments, where the outcome goes, and how they end."""

import argparse
import json
import os
import pathlib
import shutil
import sys

from lab import ledger, programs
from lab.system import LabError, run


def parser(prog, description):
    """The arguments that every demo has."""
    made = argparse.ArgumentParser(prog=prog, description=description,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--json", metavar="FILE", type=pathlib.Path, help="also write the figures here")
    made.add_argument("--build", metavar="DIR", type=pathlib.Path, default=programs.ROOT / "build",
                      help="build directory (build)")
    made.add_argument("--output", metavar="DIR", type=pathlib.Path,
                      help="where logs, captures and the picture go (BUILD/NAME of the demo)")
    made.add_argument("--keep", action="store_true",
                      help="leave the network and the programs running; see --stop")
    made.add_argument("--stop", action="store_true", help="remove what a demo left, and end")
    return made


def stop(label):
    """Ends every demo of this kind on this machine and removes what it made."""
    found = ledger.Ledger.all(label)
    for entry in found:
        owner = entry.owner()
        if owner:
            ledger.end_processes([(owner, ledger.start_time(owner))], patience=30)
        entry.remove()
        print(f"removed {entry.name}")
    if not found:
        print("nothing to remove")


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
    output = (args.output or args.build / label).resolve()
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    # What an earlier --keep left would be in the way of nothing, but it holds memory.
    for kept in ledger.Ledger.all(label):
        if kept.owner() is None:
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
