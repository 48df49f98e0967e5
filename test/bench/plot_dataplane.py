#!/usr/bin/python3
"""plot_dataplane.py FIGURES.json FOLDER: draws the figures of tools/bench dataplane --json.

Writes FOLDER/dataplane-cycles.svg and .png: cycles a packet against subscribers, for each work and
kind of pages, the floor below; and, where the programs were measured from outside, too,
FOLDER/dataplane-rate.svg and .png, the rate without loss against the size of packets, and
FOLDER/dataplane-latency.svg and .png, how long packets took at that rate. The machine is named in the
pictures."""

import json
import math
import pathlib
import subprocess
import sys

import chart

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


def of_transport(rows, transport, direction, value):
    """[(octets, value), ...] of the sizes for which there was a rate without loss."""
    return sorted((row["octets"], value(row)) for row in rows
                  if (row["transport"], row["direction"]) == (transport, direction) and row["no_drop_pps"])


def curves(number, title, rows, values):
    """A diagram against packet size, of values as (words, colour, dashed, transport, direction, value)."""
    found = [(words, colour, dashed, of_transport(rows, transport, direction, value))
             for words, colour, dashed, transport, direction, value in values]
    points = [point for *_, series_ in found for point in series_]
    panel = chart.Panel(number, title, "octets of a packet, without the tunnel", points, 0)
    for words, colour, dashed, series_ in found:
        if series_:
            panel.curve(series_, colour, words, dashed)
    return panel


WAYS = [(f"{transport} {direction}", colour, direction == "uplink", transport, direction)
        for transport, colour in (("memif", chart.BLUE), ("vhost", chart.RED))
        for direction in ("downlink", "uplink")]


def rates(rows):
    return [curves(number, title, rows, [(*way, value) for way in WAYS]) for number, (title, value) in enumerate((
        ("million packets a second without loss", lambda row: row["no_drop_pps"] / 1e6),
        ("Gbit/s without loss", lambda row: row["gbit_s"])))]


def latencies(rows):
    return [curves(number, f"{words}, us", rows, [(*way, lambda row, key=key: row["latency_us"][key]) for way in WAYS])
            for number, (words, key) in enumerate((("median", "p50"), ("99 of 100 packets within", "p99")))]


def draw_from_outside(figures, folder):
    rows = [row for row in figures.get("end_to_end", []) if row["no_drop_pps"]]
    if not rows:
        return
    machine = figures["machine"]
    head = (f"{machine['cpu']}, kernel {machine['kernel']}; one core forwards, one generates; "
            f"{rows[0]['subscribers']} subscribers, up to {rows[0]['loss_accepted_percent']:g} % loss")
    chart.write(folder / "dataplane-rate.svg", "dmm-dp between dmm-pktgen's ports: rate against packet size",
                head, rates(rows))
    chart.write(folder / "dataplane-latency.svg",
                "dmm-dp between dmm-pktgen's ports: latency at that rate, there and back", head, latencies(rows))


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
    draw_from_outside(figures, folder)


if __name__ == "__main__":
    main()
