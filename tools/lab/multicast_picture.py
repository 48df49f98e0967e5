"""The picture of the demo of multicast: what each node heard, and when it heard nothing."""

from lab.drawing import FAINT, INK, LEFT, WIDTH, Drawing, Scale, axis

SECOND = 1_000_000_000
BIN = SECOND // 20
COLOUR = {"numbers": "#2569b5", "video": "#2b8a3e", "unicast": "#e08a00"}
TITLES = {"numbers": "100 numbers a second", "video": "video, 4 Mbit/s, of one source",
          "unicast": "unicast, for comparison"}
HEIGHT, SPACE = 30, 8


def rates(heard, begin, end):
    """(begin, end, datagrams a second), without holes."""
    bins = [0] * ((end - begin) // BIN + 1)
    for at, _ in heard:
        if begin <= at < end:
            bins[(at - begin) // BIN] += 1
    return [(begin + n * BIN, begin + (n + 1) * BIN, count * SECOND / BIN)
            for n, count in enumerate(bins)]


def draw(show):
    drawing, x = Drawing(), Scale(show.begin, show.end)
    drawing.text(LEFT, 24, "Multicast that follows the node: what three nodes heard", INK, 16)
    for number, (name, title) in enumerate(TITLES.items()):
        drawing.rect(LEFT + number * 260, 34, 12, 12, COLOUR[name])
        drawing.text(LEFT + number * 260 + 18, 44, title)
    top = 70
    for one in show.listeners:
        drawing.text(8, top + 14, one.name, INK, 14)
        drawing.text(8, top + 30, f"{one.link} to {one.target}" if one.target else one.link, FAINT, 11)
        for stream in show.streams_of(one):
            row = rates(one.ear.heard[stream.name], show.begin, show.end)
            drawing.area(x, row, top, HEIGHT, 1.3 * stream.rate, fill=COLOUR[stream.name],
                         fill_opacity=0.55, stroke=COLOUR[stream.name])
            drawing.line(LEFT, top + HEIGHT, LEFT + WIDTH, top + HEIGHT, FAINT)
            found = one.losses[stream.name]
            drawing.text(LEFT + WIDTH - 4, top + 11,
                         f"{found.lost} lost, {found.duplicated} duplicated", INK, 10, "end")
            top += HEIGHT + SPACE
        top += SPACE
    drawing.line(x(show.moved), 56, x(show.moved), top, "#d22d2d", 1.5, stroke_dasharray="4 3")
    drawing.text(x(show.moved) + 4, 64, f"{show.mover.name} moves", "#d22d2d", 12)
    top += 12
    axis(drawing, x, top, show.begin, SECOND, "s", 12)
    return drawing.document(top + 34)
