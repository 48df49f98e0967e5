#!/usr/bin/python3
"""plot_control.py FIGURES.json FOLDER: draws the figures of tools/bench control --json.

Writes FOLDER/control.svg and .png: first registrations a second against bindings, latency of refreshes
against load, seconds until a killed control plane serves again against bindings. The machine is named
in the picture."""

import json
import pathlib
import sys

import chart
from chart import BLUE, GREY, RED, Panel


def points(rows, x, y):
    return sorted((row[x], row[y]) for row in rows)


def panels(figures):
    rates = points(figures["rate_against_bindings"], "bindings", "rate")
    core = points(figures["rate_against_bindings"], "bindings", "rate_per_core")
    rate = Panel(0, "first registrations a second", "bindings", rates, max(y for _, y in core))
    rate.curve(rates, BLUE, "on this machine")
    rate.curve(core, GREY, "with a core of its own")
    p50 = points(figures["latency_against_load"], "load_percent", "p50_ms")
    p99 = points(figures["latency_against_load"], "load_percent", "p99_ms")
    latency = Panel(1, "refresh to acknowledgement, ms", "percent of the highest rate", p50,
                    max(y for _, y in p99))
    latency.curve(p50, BLUE, "median")
    latency.curve(p99, RED, "99 %")
    served = points(figures["recovery_against_bindings"], "bindings", "seconds")
    recovery = Panel(2, "kill -9 to serving again, s", "bindings", served, 1)
    recovery.curve(served, BLUE, "")
    return rate, latency, recovery


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.splitlines()[0])
    figures = json.loads(pathlib.Path(sys.argv[1]).read_text())
    machine, floor = figures["machine"], figures["floor"]
    others = " with other work on them" if machine["load"] > 1 else ""
    head = (f'{machine["cpu"]}, {machine["cores"]} cores{others} (load {machine["load"]:.1f}), '
            f'kernel {machine["kernel"]}; floor: {floor["store_writes"]:.0f} durable records a second in '
            f'batches of {floor["batch"]}')
    chart.write(pathlib.Path(sys.argv[2]) / "control.svg",
                "dmm-ctrl under signalling load, nodes and data plane played beside it", head, panels(figures))


if __name__ == "__main__":
    main()
