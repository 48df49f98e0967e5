"""The steps of tools/check, in order, with one total over all of them.

  lint       formatting, static analysis and house rules (tools/lint)
  gcc        a build with gcc, warnings are errors, the measurements of test/bench too; the unit
             tests
  clang      a build with clang and the address and undefined-behaviour sanitizers, warnings are
             errors; the unit tests again; every fuzz target for a few seconds
  thread     with --long, or if named: the unit tests in which threads share tables or hand each
             other packets, with the thread sanitizer
  scenario   the programs with gcc's sanitizers; the scenario tests in network namespaces with them,
             four files at a time: they mostly wait

Builds go on beside the tests of those before them; the scenario tests have the machine for
themselves. Before the totals stands one line for each test that failed, whatever step it was in. The
last line printed is 'N passed, N failed', with ', N skipped' if some were. Build directories and
logs stay under build/ and make the next run quicker."""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
SANITIZE = ["-Db_sanitize=address,undefined"]

# Most of the time goes into compiling, and most of that into the sanitizers.
QUICK_CLANG = ["-Doptimization=0", "-Ddebug=false", "-Dc_args=-gline-tables-only"]
QUICK_GCC = ["-Doptimization=1", "-Ddebug=false", "-Dc_args=-g1"]
PLAIN_GCC = ["-Ddebug=false"]
COMPILING = {"CC_LD": "gold", "CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "1"}
SANITIZERS = {
    "ASAN_OPTIONS": "abort_on_error=0:detect_stack_use_after_return=0:strict_string_checks=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1",
    "LSAN_OPTIONS": f"suppressions={ROOT}/test/sanitize/lsan.supp:print_suppressions=0",
}

CONCURRENT = ["tables/growth", "tables/sig_index", "tables/subscriber_table", "tables/wrap",
              "nodes/hold", "nodes/resequence_threads"]

# What says most in the output of something that failed: of a compiler, a sanitizer, libFuzzer, cmocka.
TELLING = re.compile(r"\berror: |runtime error: |ERROR: |SUMMARY: |FAILED: |Base64: |\[  ERROR   \]")


class Total:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []

    def add(self, passed, failed, skipped=0):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped

    def blame(self, step, name, lines):
        """Remembers, for the end, a test that failed; 'lines' is what it said."""
        lines = [line.strip() for line in lines if line.strip()]
        told = [line for line in lines if TELLING.search(line)] or lines
        why = " | ".join(line[:200] for line in told[:4])
        self.failures.append(f"FAIL {step}: {name}" + (f": {why}" if why else ""))

    def __str__(self):
        line = f"{self.passed} passed, {self.failed} failed"
        return f"{line}, {self.skipped} skipped" if self.skipped else line


TOTAL = Total()


def say(line):
    print(line, flush=True)


def run(name, command, env=None, show=False):
    """Runs one command with its output in build/check-NAME.log; returns (exit code, output)."""
    log = BUILD / f"check-{name}.log"
    lines = []
    with open(log, "w") as file, subprocess.Popen(
            [str(word) for word in command], cwd=ROOT, env=os.environ | (env or {}), text=True,
            errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        for line in process.stdout:
            file.write(line)
            lines.append(line)
            if show:
                print(line, end="", flush=True)
    if process.returncode != 0 and not show:
        print("".join(lines[-60:]), end="")
        say(f"     (all of it: {log.relative_to(ROOT)})")
    return process.returncode, "".join(lines)


def counted(name, command, env=None):
    """A command that prints 'ok   NAME' or 'FAIL NAME', with more below it, for each test, and at last
    'N passed, N failed'."""
    code, out = run(name, command, env, show=True)
    found = re.findall(r"^(\d+) passed, (\d+) failed", out, re.M)
    passed, failed = map(int, found[-1]) if found else (0, 0)
    for test in re.split(r"^(?=FAIL |ok   |\d+ passed, )", out, flags=re.M):
        if test.startswith("FAIL "):
            title, *lines = test.removeprefix("FAIL ").splitlines()
            TOTAL.blame(name, title.removeprefix(f"{name}: "), lines)
    if code != 0 and failed == 0:
        failed = 1
        TOTAL.blame(name, f"ended with code {code}", out.splitlines()[-3:])
    TOTAL.add(passed, failed)


def build(name, compiler, options, targets=()):
    """Configures (again if the options changed) and builds build/check-NAME, or only some targets of
    it. Returns a function that accounts for the build, one test, and returns where it is or None."""
    directory = BUILD / f"check-{name}"
    made_with = directory / "made-with"
    wanted = " ".join([compiler, *options])
    code, out = 0, ""
    if not made_with.exists() or made_with.read_text() != wanted:
        shutil.rmtree(directory, ignore_errors=True)
        code, out = run(f"{name}-setup", ["meson", "setup", *options, directory],
                        COMPILING | {"CC": compiler})
        if code == 0:
            made_with.write_text(wanted)
    if code == 0:
        code, out = run(f"{name}-build", ["ninja", "-C", directory, *targets], COMPILING)

    def account():
        say(f"{'FAIL' if code else 'ok  '} build with {wanted}")
        if code:
            TOTAL.blame(name, f"build with {wanted}", out.splitlines())
        TOTAL.add(code == 0, code != 0)
        return directory if code == 0 else None
    return account


def unit_cases(entry):
    """How many cases a unit test program ran: cmocka says so, another program counts as one."""
    out = entry.get("stdout", "") + entry.get("stderr", "")
    ran = sum(map(int, re.findall(r"^\[=+\] (\d+) test\(s\) run", out, re.M)))
    if entry["result"] == "OK":
        return max(ran, 1), 0
    # A program can also fail beside its cases: a crash, or a sanitizer's report at its end.
    good = sum(map(int, re.findall(r"^\[  PASSED  \] (\d+) test\(s\)", out, re.M)))
    failed = max(ran - good, 1)
    return max(ran - failed, 0), failed


def blame_unit(name, entry):
    """Names the cases of a unit test program that failed, or the program if none did."""
    out, err = entry.get("stdout", ""), entry.get("stderr", "")
    cases = re.findall(r"^\[ RUN      \] (\w+)\n(?:(?!\[ RUN  ).*\n)*?\[  FAILED  \] \1$", out, re.M)
    said = re.findall(r"^\[  ERROR   \] --- .*(?:\n\[   LINE   \].*)?", err, re.M)
    for index, case in enumerate(cases):
        why = said[index] if len(said) == len(cases) else err
        TOTAL.blame(f"unit tests ({name})", f"{entry['name']} {case}", why.splitlines())
    if not cases:
        result = f"{entry['result']}, code {entry.get('returncode')}"
        TOTAL.blame(f"unit tests ({name})", f"{entry['name']} ({result})",
                    (out + err).splitlines()[-60:])


def unit(name, directory, tests=()):
    log = directory / "meson-logs/testlog.json"
    log.unlink(missing_ok=True)
    code, out = run(f"{name}-unit", ["meson", "test", "-C", directory, "--no-rebuild",
                                   "--print-errorlogs", "--num-processes", "3", *tests],
                  SANITIZERS)
    entries = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    passed = failed = skipped = 0
    for entry in entries:
        if entry["result"] == "SKIP":
            skipped += 1
            continue
        good, bad = unit_cases(entry)
        passed, failed = passed + good, failed + bad
        if bad:
            blame_unit(name, entry)
    if code != 0 and failed == 0:
        failed = 1
        TOTAL.blame(f"unit tests ({name})", f"meson ended with code {code}", out.splitlines()[-3:])
    TOTAL.add(passed, failed, skipped)
    say(f"{'FAIL' if failed else 'ok  '} unit tests ({name}): {passed} passed, {failed} failed "
        f"in {len(entries)} programs")


def scenarios(directory, long):
    report = BUILD / "check-scenario.xml"
    report.unlink(missing_ok=True)
    command = ["/usr/bin/python3", "-B", "-m", "pytest", "-p", "no:cacheprovider", "-q", "-rs",
               "-n", "4", "--dist", "loadfile", f"--junitxml={report}", "test/scenario"]
    if not long:
        command += ["-m", "not long"]
    code, out = run("scenario", command, SANITIZERS | {"DMM_BUILD": str(directory)}, show=True)
    passed = failed = skipped = 0
    if report.exists():
        tests = xml.etree.ElementTree.parse(report).getroot()
        for test in tests.iter("testcase"):
            for said in [*test.iter("failure"), *test.iter("error")]:
                at = test.get("classname").split(".")[-1]
                TOTAL.blame("scenario", f"{at}.py::{test.get('name')}",
                            said.get("message", "").splitlines()[:1])
        for suite in tests.iter("testsuite"):
            bad = int(suite.get("failures")) + int(suite.get("errors"))
            passed += int(suite.get("tests")) - bad - int(suite.get("skipped"))
            failed += bad
            skipped += int(suite.get("skipped"))
    if code != 0 and failed == 0:
        failed = 1
        TOTAL.blame("scenario", f"pytest ended with code {code}", out.splitlines()[-3:])
    TOTAL.add(passed, failed, skipped)


def main():
    parser = argparse.ArgumentParser(prog="tools/check", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true",
                        help="also what takes long: fuzzers for minutes, scenarios marked long")
    parser.add_argument("step", nargs="*", metavar="STEP",
                        help="only these of: lint gcc clang thread scenario")
    args = parser.parse_args()
    known = ["lint", "gcc", "clang", "thread", "scenario"]
    for step in args.step:
        if step not in known:
            parser.error(f"'{step}' is no step; the steps are {' '.join(known)}")
    wanted = args.step or [step for step in known if args.long or step != "thread"]
    BUILD.mkdir(exist_ok=True)
    started = time.monotonic()

    builds = {
        "gcc": ["gcc", PLAIN_GCC, ["all", "bench"]],
        "clang": ["clang-14", ["-Dfuzz=true", *SANITIZE, "-Db_lundef=false",
                               *([] if args.long else QUICK_CLANG)]],
        # gcc does not see what a fence orders; where one matters there is an atomic beside it, and in
        # rings of DPDK if they are asked for it.
        "thread": ["gcc", ["-Db_sanitize=thread", "-Dc_args=-Wno-tsan -DRTE_USE_C11_MEM_MODEL"],
                   [f"test/unit/dataplane/{room}/test_{room}_{name}"
                    for room, name in (test.split("/") for test in CONCURRENT)]],
        "scenario": ["gcc", [*SANITIZE, "-Dfault_hooks=true", *QUICK_GCC], ["scenario"]],
    }
    with concurrent.futures.ThreadPoolExecutor(1) as builder:
        begun = {name: builder.submit(build, name, *builds[name]) for name in builds if name in wanted}

        def built(name):
            return name in begun and begun[name].result()()

        if "lint" in wanted:
            counted("lint", ["tools/lint"])
        if directory := built("gcc"):
            unit("gcc", directory)
        if directory := built("clang"):
            unit("clang", directory)
            counted("fuzz", ["tools/fuzz", "--build", directory,
                             "--seconds", "120" if args.long else "2"], SANITIZERS)
        if directory := built("thread"):
            unit("thread", directory, CONCURRENT)
        if directory := built("scenario"):
            scenarios(directory, args.long)

    for failure in TOTAL.failures:
        say(failure)
    say(f"{time.monotonic() - started:.0f} seconds")
    say(str(TOTAL))
    return 0 if TOTAL.failed == 0 and TOTAL.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
