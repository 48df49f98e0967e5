"""Drawing as SVG, written by hand, with time from left to right."""

from xml.sax.saxutils import escape

INK, FAINT = "#222222", "#888888"
LEFT, WIDTH, RIGHT = 120, 1160, 20
CHARACTER = 0.62  # mean width of one, in sizes of the font


class Drawing:
    def __init__(self):
        self.parts = []

    def add(self, element, content=None, **attributes):
        words = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in attributes.items())
        body = f">{escape(content)}</{element}>" if content is not None else "/>"
        self.parts.append(f"<{element}{words}{body}")

    def line(self, x1, y1, x2, y2, colour=INK, width=1, **more):
        self.add("line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}",
                 stroke=colour, stroke_width=width, **more)

    def rect(self, x, y, width, height, fill, **more):
        self.add("rect", x=f"{x:.1f}", y=f"{y:.1f}", width=f"{max(width, 0.1):.1f}",
                 height=f"{height:.1f}", fill=fill, **more)

    def text(self, x, y, words, colour=INK, size=12, anchor="start", **more):
        self.add("text", words, x=f"{x:.1f}", y=f"{y:.1f}", fill=colour, font_size=size,
                 text_anchor=anchor, **more)

    def cross(self, x, y, size, colour):
        self.line(x - size, y - size, x + size, y + size, colour, 2.2)
        self.line(x - size, y + size, x + size, y - size, colour, 2.2)

    def area(self, x, rates, top, height, highest, **style):
        """A staircase: rates as (begin, end, rate), without holes; cut off above the highest."""
        base = top + height
        points = [f"{x(rates[0][0]):.1f},{base}"]
        for begin, end, rate in rates:
            y = base - height * min(1, rate / highest)
            points += [f"{x(begin):.1f},{y:.1f}", f"{min(x(end), LEFT + WIDTH):.1f},{y:.1f}"]
        points.append(f"{min(x(rates[-1][1]), LEFT + WIDTH):.1f},{base}")
        self.add("polygon", points=" ".join(points), **style)

    def document(self, height):
        head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" '
                f'height="{height:.0f}" font-family="DejaVu Sans, sans-serif">')
        return "\n".join([head, f'<rect width="100%" height="{height:.0f}" fill="white"/>',
                          *self.parts, "</svg>\n"])


def width_of(words, size):
    return CHARACTER * size * len(words)


class Scale:
    """Time to x."""

    def __init__(self, begin, end):
        self.begin, self.end = begin, end

    def __call__(self, at):
        return LEFT + WIDTH * (at - self.begin) / (self.end - self.begin)

    def holds(self, at):
        return at is not None and self.begin <= at <= self.end

    def clip(self, begin, end):
        return max(begin, self.begin), min(end, self.end)


class Rows:
    """Labels in as few rows as they need without lying upon each other."""

    def __init__(self, count):
        self.ends = [0.0] * count

    def place(self, x, words, size):
        """(row, x, anchor) of a label at x: to its right, at the right edge to its left."""
        width = width_of(words, size) + 8
        if x + width > LEFT + WIDTH + RIGHT:
            anchor, begin, x = "end", x - width, x - 4
        else:
            anchor, begin, x = "start", x, x + 4
        row = next((row for row, end in enumerate(self.ends) if end <= begin), None)
        if row is None:
            row = min(range(len(self.ends)), key=self.ends.__getitem__)
        self.ends[row] = max(self.ends[row], begin + width)
        return row, x, anchor


def step_for(span, most):
    """A round step that cuts a span into at most so many parts."""
    scale = 1
    while True:
        for factor in (1, 2, 5):
            if span <= most * factor * scale:
                return factor * scale
        scale *= 10


def axis(drawing, x, y, zero, unit, name, most):
    """Time from 'zero', in units of so many ns."""
    step = step_for((x.end - x.begin) / unit, most)
    tick = -int((zero - x.begin) / unit // step) * step
    while zero + tick * unit <= x.end:
        at = x(zero + tick * unit)
        drawing.line(at, y, at, y + 4)
        drawing.text(at, y + 16, f"{tick} {name}", FAINT, 10, "middle")
        tick += step
    drawing.line(LEFT, y, LEFT + WIDTH, y)
