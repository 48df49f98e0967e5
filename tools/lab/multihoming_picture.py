"""The picture of the demo of several care-of addresses: what came by which interface."""

from lab.drawing import FAINT, INK, LEFT, WIDTH, Drawing, Rows, Scale, axis

SECOND = 1_000_000_000
BIN = SECOND // 20
COLOUR = {"video": "#2569b5", "files": "#e08a00"}
SIGNAL = {"update": ("BU", "#0b7285"), "acknowledgement": ("BA", "#8a3fb5")}
HEIGHT, SPACE = 90, 28
WORDS = {"cut": "Wi-Fi is cut", "back": "Wi-Fi is back"}


def rates(arrivals, port, interface, begin, end):
    """(begin, end, octets a second) of a download by an interface, without holes."""
    bins = [0] * ((end - begin) // BIN + 1)
    for at, of, octets, by in arrivals:
        if of == port and by == interface and begin <= at < end:
            bins[(at - begin) // BIN] += octets
    return [(begin + n * BIN, begin + (n + 1) * BIN, octets * SECOND / BIN)
            for n, octets in enumerate(bins)]


def draw(show, interfaces):
    drawing, x = Drawing(), Scale(show.begin, show.end)
    top = 60
    drawing.text(LEFT, 24, "Two downloads of one mobile node, by two interfaces at once", INK, 16)
    for number, flow in enumerate(show.flows):
        drawing.rect(LEFT + number * 220, 34, 12, 12, COLOUR[flow.name])
        drawing.text(LEFT + number * 220 + 18, 44, f"{flow.name}: wanted by {interfaces[flow.way]}")
    every = {}
    for flow in show.flows:
        for interface in interfaces:
            every[flow.name, interface] = rates(show.arrivals, flow.port, interface, show.begin, show.end)
    highest = max((rate for row in every.values() for _, _, rate in row), default=1) or 1
    for interface, name in interfaces.items():
        drawing.text(8, top + HEIGHT / 2, name, INK, 14)
        drawing.text(8, top + HEIGHT / 2 + 16, interface, FAINT, 11)
        for flow in show.flows:
            drawing.area(x, every[flow.name, interface], top, HEIGHT, highest, fill=COLOUR[flow.name],
                         fill_opacity=0.55, stroke=COLOUR[flow.name])
        drawing.line(LEFT, top + HEIGHT, LEFT + WIDTH, top + HEIGHT, FAINT)
        top += HEIGHT + SPACE
    rows = Rows(3)
    for turn in show.turns:
        drawing.line(x(turn.at), 52, x(turn.at), top, "#d22d2d", 1.5, stroke_dasharray="4 3")
        row, at, anchor = rows.place(x(turn.at), WORDS[turn.kind], 12)
        drawing.text(at, 64 + 14 * row, WORDS[turn.kind], "#d22d2d", 12, anchor)
    labels = Rows(4)
    for at, kind, _ in show.signals:
        if x.holds(at):
            word, colour = SIGNAL[kind]
            drawing.line(x(at), top - 6, x(at), top + 4, colour, 1.5)
            row, where, anchor = labels.place(x(at), word, 10)
            drawing.text(where, top + 14 + 11 * row, word, colour, 10, anchor)
    top += 64
    axis(drawing, x, top, show.begin, SECOND, "s", 12)
    return drawing.document(top + 34)
