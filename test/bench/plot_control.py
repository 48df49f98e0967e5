#!/usr/bin/python3
"""plot_control.py FIGURES.json FOLDER: draws the figures of tools/bench control --json.

Writes FOLDER/control.svg and .png: first registrations a second against bindings, latency of refreshes
against load, seconds until a killed control plane serves again against bindings. The machine is named
in the picture."""

import json
import math
import pathlib
import subprocess
import sys

WIDTH, HEIGHT = 1140, 360
PANEL, LEFT, RIGHT, TOP, BOTTOM = 380, 62, 24, 78, 46
BLUE, RED, GREY = "#1f77b4", "#d62728", "#7f7f7f"


def short(number):
    for unit, size in (("M", 1_000_000), ("k", 1000)):
        if number >= size:
            return f"{number / size:g} {unit}"
    return f"{number:g}"


def ceiling(most):
    """A round number that is not below, and a fifth of it."""
    power = 10 ** math.floor(math.log10(most))
    top = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= most)
    return top, top / 5


class Panel:
    """A diagram with its own axes, the number-th from the left."""

    def __init__(self, number, title, across, points, top):
        self.left = number * PANEL
        self.lines = []
        self.x_most, x_step = ceiling(max(x for x, _ in points))
        self.y_most, step = ceiling(max([top] + [y for _, y in points]))
        self.text(LEFT, TOP - 14, title, "start", size=13)
        for n in range(6):
            value = n * step
            self.line([(0, value), (self.x_most, value)], "#ddd", 1)
            self.text(LEFT - 8, self.y(value) + 4, short(value), "end")
        for n in range(6):
            self.text(self.x(n * x_step), HEIGHT - BOTTOM + 18, short(n * x_step))
        self.text((LEFT + PANEL - RIGHT) / 2, HEIGHT - 8, across)

    def x(self, value):
        return LEFT + value / self.x_most * (PANEL - LEFT - RIGHT)

    def y(self, value):
        return HEIGHT - BOTTOM - value / self.y_most * (HEIGHT - TOP - BOTTOM)

    def text(self, x, y, words, anchor="middle", colour="#222", size=11):
        self.lines.append(f'<text x="{self.left + x:.0f}" y="{y:.0f}" font-family="sans-serif" '
                          f'font-size="{size}" fill="{colour}" text-anchor="{anchor}">{words}</text>')

    def line(self, points, colour, width=2, dashed=False):
        path = " ".join(f"{self.left + self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" '
                          f'stroke-width="{width}"{dash}/>')

    def curve(self, points, colour, words):
        self.line(points, colour)
        for x, y in points:
            self.lines.append(f'<circle cx="{self.left + self.x(x):.1f}" cy="{self.y(y):.1f}" r="3" '
                              f'fill="{colour}"/>')
        x, y = points[-1]
        self.text(self.x(x) - 4, self.y(y) - 8, words, "end", colour)


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
    head = (f'{machine["cpu"]}, {machine["cores"]} cores with other work on them (load {machine["load"]:.1f}), '
            f'kernel {machine["kernel"]}; floor: {floor["store_writes"]:.0f} durable records a second in '
            f'batches of {floor["batch"]}')
    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">'
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           '<text x="20" y="24" font-family="sans-serif" font-size="15" fill="#222">dmm-ctrl under signalling '
           'load, nodes and data plane played beside it</text>',
           f'<text x="20" y="42" font-family="sans-serif" font-size="11" fill="#666">{head}</text>']
    for panel in panels(figures):
        svg += panel.lines
    path = pathlib.Path(sys.argv[2]) / "control.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*svg, "</svg>"]) + "\n")
    subprocess.run(["rsvg-convert", "--output", path.with_suffix(".png"), path], check=True)
    print(f"{path} and .png")


if __name__ == "__main__":
    main()
