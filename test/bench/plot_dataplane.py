#!/usr/bin/python3
"""plot_dataplane.py FIGURES.json FOLDER: draws the figures of tools/bench dataplane --json.

Writes FOLDER/dataplane-cycles.svg and .png: cycles a packet against subscribers, for each work and
kind of pages, the floor below. The machine is named in the picture."""

import json
import math
import pathlib
import subprocess
import sys

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 60, 150, 48, 50
COLOURS = {"encap": "#1f77b4", "decap": "#d62728", "relay": "#9467bd", "route": "#2ca02c",
           "floor": "#7f7f7f"}
BURST = 32
OCTETS = 64


def series(results):
    """{(work, pages): [(subscribers, cycles), ...]} of the main burst and packet length."""
    found = {}
    for row in results:
        if row["burst"] == BURST and row["octets"] == OCTETS:
            found.setdefault((row["work"], row["pages"]), []).append(
                (row["subscribers"], row["cycles"]))
    return {key: sorted(points) for key, points in found.items()}


def short(number):
    for unit, size in (("M", 1_000_000), ("k", 1000)):
        if number >= size:
            return f"{number // size} {unit}"
    return str(number)


class Picture:
    def __init__(self, data):
        sizes = sorted({x for points in data.values() for x, _ in points})
        self.low, self.high = math.log10(sizes[0]), math.log10(sizes[-1])
        self.sizes = sizes
        self.most = math.ceil(max(y for points in data.values() for _, y in points) / 50) * 50
        self.lines = []

    def x(self, subscribers):
        share = (math.log10(subscribers) - self.low) / ((self.high - self.low) or 1)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, cycles):
        return HEIGHT - BOTTOM - cycles / self.most * (HEIGHT - TOP - BOTTOM)

    def text(self, x, y, words, anchor="middle", colour="#222", size=12):
        self.lines.append(f'<text x="{x:.0f}" y="{y:.0f}" font-family="sans-serif" font-size="{size}" '
                          f'fill="{colour}" text-anchor="{anchor}">{words}</text>')

    def line(self, points, colour, dashed=False, width=2):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" '
                          f'stroke-width="{width}"{dash}/>')

    def axes(self):
        for cycles in range(0, self.most + 1, 50):
            self.line([(LEFT, self.y(cycles)), (WIDTH - RIGHT, self.y(cycles))], "#ddd", width=1)
            self.text(LEFT - 8, self.y(cycles) + 4, cycles, "end")
        for size in self.sizes:
            self.text(self.x(size), HEIGHT - BOTTOM + 20, short(size))
        self.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "subscribers")

    def draw(self, data, machine):
        self.axes()
        self.text(LEFT, 20, f"TSC cycles a packet, one core: {OCTETS} octets, random subscribers, "
                  f"{BURST} packets a walk", "start", size=14)
        self.text(LEFT, 37, f"{machine['cpu']}, kernel {machine['kernel']}; solid: 2 MiB pages, "
                  "dashed: 4 KiB", "start", "#666", 11)
        taken = []
        for (work, pages), points in sorted(data.items(), key=lambda item: -item[1][-1][1]):
            colour = COLOURS[work]
            self.line([(self.x(s), self.y(c)) for s, c in points], colour, pages == "4K")
            at = self.y(points[-1][1]) + 4
            while any(abs(at - other) < 13 for other in taken):
                at += 2
            taken.append(at)
            self.text(WIDTH - RIGHT + 8, at, f"{work} {pages} {points[-1][1]:.0f}", "start", colour)

    def write(self, path):
        head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">'
                f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>')
        path.write_text("\n".join([head, *self.lines, "</svg>"]) + "\n")
        subprocess.run(["rsvg-convert", "--output", path.with_suffix(".png"), path], check=True)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.splitlines()[0])
    figures = json.loads(pathlib.Path(sys.argv[1]).read_text())
    data = series(figures["results"])
    if not data:
        sys.exit(f"{sys.argv[1]}: no figures of {OCTETS} octets and {BURST} packets a walk")
    folder = pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    picture = Picture(data)
    picture.draw(data, figures["machine"])
    picture.write(folder / "dataplane-cycles.svg")
    print(f"{folder}/dataplane-cycles.svg and .png")


if __name__ == "__main__":
    main()
