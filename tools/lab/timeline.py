"""Draws a run of the demo: an overview of all of it, and each move enlarged. Writes SVG by hand."""

from xml.sax.saxutils import escape

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
LINK_NAMES = {"home": "home link", "a": "link A", "b": "link B"}
LINK_FILL = {"home": "#cfe8cf", "a": "#cfdff5", "b": "#f5e2c4"}
GOOD, LOST, INK, FAINT, UPDATE, ACK = "#2a8f3c", "#d22d2d", "#222222", "#999999", "#1f4fbf", "#8a3fb5"
LEFT, WIDTH, RIGHT = 120, 1160, 20
STRIP_BEFORE = 30 * MILLISECOND
ENLARGED_MOST = 8


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

    def document(self, height):
        head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" '
                f'height="{height}" font-family="DejaVu Sans, sans-serif">')
        return "\n".join([head, f'<rect width="100%" height="{height}" fill="white"/>',
                          *self.parts, "</svg>\n"])


def step_for(span, most):
    """A round step that cuts a span into at most so many parts."""
    scale = 1
    while True:
        for factor in (1, 2, 5):
            if span <= most * factor * scale:
                return factor * scale
        scale *= 10


class Scale:
    """Time to x."""

    def __init__(self, begin, end):
        self.begin, self.end = begin, end

    def __call__(self, at):
        return LEFT + WIDTH * (at - self.begin) / (self.end - self.begin)

    def holds(self, at):
        return at is not None and self.begin <= at <= self.end


def overview(drawing, run, top):
    """All of the run; returns the y below it."""
    x = Scale(run["begin"], run["end"])
    rows = {"link": top + 10, "signalling": top + 58, "ping": top + 104, "download": top + 150}
    for name, y in rows.items():
        drawing.text(LEFT - 12, y + 20, name, anchor="end", size=13)
    for place in run["places"]:
        drawing.rect(x(place["begin"]), rows["link"], x(place["end"]) - x(place["begin"]), 30,
                     LINK_FILL[place["link"]], stroke="white")
        if x(place["end"]) - x(place["begin"]) > 60:
            drawing.text((x(place["begin"]) + x(place["end"])) / 2, rows["link"] + 20,
                         LINK_NAMES[place["link"]], anchor="middle")
    for packet in run["signalling"]:
        if x.holds(packet.at):
            up = packet.kind == "update"
            y = rows["signalling"] + (0 if up else 16)
            drawing.line(x(packet.at), y, x(packet.at), y + 14, UPDATE if up else ACK, 2)
    pings = run["pings"]
    for number, at in pings.sent.items():
        if x.holds(at):
            heard = number in pings.heard
            drawing.line(x(at), rows["ping"] + (8 if heard else 0), x(at), rows["ping"] + 28,
                         GOOD if heard else LOST, 0.7 if heard else 1.6)
    download(drawing, run, x, rows["download"], 70)
    bottom = rows["download"] + 78
    seconds = (run["end"] - run["begin"]) / SECOND
    step = step_for(seconds, 12)
    for tick in range(0, int(seconds) + 1, step):
        at = run["begin"] + tick * SECOND
        drawing.line(x(at), bottom, x(at), bottom + 5)
        drawing.text(x(at), bottom + 19, f"{tick} s", anchor="middle")
    drawing.line(LEFT, bottom, LEFT + WIDTH, bottom)
    return bottom + 30


def download(drawing, run, x, top, height):
    """The rate of the download in tenths of a second."""
    bin_size = max(SECOND // 10, (run["end"] - run["begin"]) // 500)
    count = (run["end"] - run["begin"]) // bin_size + 1
    bins = [0] * count
    for at, octets in run["download"]:
        if x.holds(at):
            bins[(at - run["begin"]) // bin_size] += octets
    rates = [octets * SECOND / bin_size / 1e6 for octets in bins]
    highest = max(max(rates), 0.1)
    points = [f"{LEFT},{top + height}"]
    for index, rate in enumerate(rates):
        y = top + height - height * rate / highest
        points += [f"{x(run['begin'] + index * bin_size):.1f},{y:.1f}",
                   f"{min(x(run['begin'] + (index + 1) * bin_size), LEFT + WIDTH):.1f},{y:.1f}"]
    points.append(f"{LEFT + WIDTH},{top + height}")
    drawing.add("polygon", points=" ".join(points), fill="#b9c7d6", stroke="#5b7490")
    drawing.text(LEFT - 12, top + 38, f"up to {highest:.1f} MB/s", FAINT, 11, "end")


def strip(drawing, run, move, top):
    """One move enlarged, time from the moment the cable was pulled; returns the y below it."""
    instants = [at for at in (move.usable, move.acknowledged, move.restored) if at]
    last = max(instants, default=move.unplugged)
    last = max([last, *(at for number, at in run["pings"].sent.items()
                        if move.unplugged - STRIP_BEFORE <= at < move.end
                        and number not in run["pings"].heard)])
    x = Scale(move.unplugged - STRIP_BEFORE, last + 4 * STRIP_BEFORE // 3)
    title = f"{LINK_NAMES[move.origin]} to {LINK_NAMES[move.target]}"
    drawing.text(LEFT, top + 14, title, size=13, font_weight="bold")
    drawing.text(LEFT + WIDTH, top + 14, caption(move), INK, 12, "end")
    rows = {"link": top + 38, "signalling": top + 66, "ping": top + 90}
    bottom = top + 106
    drawing.rect(LEFT, top + 24, x(move.unplugged) - LEFT, bottom - top - 24, LINK_FILL[move.origin])
    drawing.rect(x(move.unplugged), top + 24, LEFT + WIDTH - x(move.unplugged), bottom - top - 24,
                 LINK_FILL[move.target])
    for name, y in rows.items():
        drawing.text(LEFT - 12, y + 4, name, anchor="end", size=12)

    def mark(at, words, colour, y, before):
        if not x.holds(at):
            return
        drawing.line(x(at), top + 24, x(at), bottom, colour, 1.2, stroke_dasharray="3 2")
        before = before and x(at) > LEFT + 90 or x(at) > LEFT + WIDTH - 100
        drawing.text(x(at) + (-4 if before else 4), y + 4, words, colour, 11,
                     "end" if before else "start")

    mark(move.unplugged, "link changed", INK, rows["link"], True)
    mark(move.usable, "address usable", "#0b7285", rows["link"] + 14, False)
    mark(move.restored, "first packet", GOOD, rows["link"], False)
    for index, at in enumerate(move.updates):
        mark(at, "BU again" if index else "BU", UPDATE, rows["signalling"], True)
    mark(move.acknowledged, "BA", ACK, rows["signalling"], False)
    for number, at in run["pings"].sent.items():
        if x.holds(at):
            heard = number in run["pings"].heard
            drawing.add("circle", cx=f"{x(at):.1f}", cy=rows["ping"], r=4,
                        fill=GOOD if heard else "white", stroke=GOOD if heard else LOST,
                        stroke_width=1.8)
    span = (x.end - x.begin) / MILLISECOND
    step = step_for(span, 14)
    tick = -(STRIP_BEFORE // MILLISECOND // step) * step
    while tick * MILLISECOND + move.unplugged <= x.end:
        at = move.unplugged + tick * MILLISECOND
        drawing.line(x(at), bottom, x(at), bottom + 4)
        drawing.text(x(at), bottom + 16, f"{tick} ms", FAINT, 10, "middle")
        tick += step
    return bottom + 34


def caption(move):
    values = move.as_json()
    words = [f"{name} {values[key]:.1f} ms" for name, key in
             (("signalling", "signalling_ms"), ("interruption", "interruption_ms"),
              ("path back after", "recovery_ms")) if values[key] is not None]
    return ", ".join(words + [f"{move.lost} lost"])


def legend(drawing, top):
    x = LEFT
    for colour, words in ((UPDATE, "Binding Update"), (ACK, "Binding Acknowledgement"),
                          (GOOD, "ping received"), (LOST, "ping lost")):
        drawing.rect(x, top, 12, 12, colour)
        drawing.text(x + 18, top + 11, words, size=12)
        x += 40 + 7.4 * len(words)
    return top + 24


def draw(run):
    """The picture as SVG text. run: begin, end, places, signalling, pings, download, moves."""
    drawing = Drawing()
    drawing.text(LEFT, 30, "A mobile node moves; a ping and a download go on", size=18,
                 font_weight="bold")
    y = legend(drawing, 46)
    y = overview(drawing, run, y)
    for move in run["moves"][:ENLARGED_MOST]:
        y = strip(drawing, run, move, y + 6)
    return drawing.document(y + 10)
