"""Diagrams side by side in one SVG, and as PNG, for the programs that draw figures."""

import math
import subprocess

HEIGHT = 360
PANEL, LEFT, RIGHT, TOP, BOTTOM = 380, 62, 24, 78, 46
BESIDE = 100  # room for the name of a curve
BLUE, RED, GREY, PURPLE, GREEN = "#1f77b4", "#d62728", "#7f7f7f", "#9467bd", "#2ca02c"


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
    """A diagram with its own axes from 0, the number-th from the left."""

    def __init__(self, number, title, across, points, top):
        self.left = number * PANEL
        self.lines = []
        self.words = []
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

    def curve(self, points, colour, words, dashed=False):
        self.line(points, colour, dashed=dashed)
        for x, y in points:
            self.lines.append(f'<circle cx="{self.left + self.x(x):.1f}" cy="{self.y(y):.1f}" r="3" '
                              f'fill="{colour}"/>')
        x, y = points[-1]
        beside = PANEL - self.x(x) > BESIDE
        at = self.y(y) + (4 if beside else -8)
        while any(abs(at - other) < 12 for other in self.words):
            at -= 2
        self.words.append(at)
        if beside:
            self.text(self.x(x) + 8, at, words, "start", colour)
        else:
            self.text(self.x(x) - 4, at, words, "end", colour)


def write(path, title, head, panels):
    """Writes path, which ends in .svg, and the same as .png."""
    width = len(panels) * PANEL
    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT}">'
           f'<rect width="{width}" height="{HEIGHT}" fill="white"/>',
           f'<text x="20" y="24" font-family="sans-serif" font-size="15" fill="#222">{title}</text>',
           f'<text x="20" y="42" font-family="sans-serif" font-size="11" fill="#666">{head}</text>']
    for panel in panels:
        svg += panel.lines
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*svg, "</svg>"]) + "\n")
    subprocess.run(["rsvg-convert", "--output", path.with_suffix(".png"), path], check=True)
    print(f"{path} and .png")
