"""The picture of the second half of the demo of Proxy Mobile IPv6: what took which link, and when."""

from lab.drawing import FAINT, INK, LEFT, WIDTH, Rows, Scale, axis
from lab.pmip_paths import BYTES_PER_SECOND, NAMES
from lab.proxy_paths import WLAN

SECOND = 1_000_000_000
BIN = SECOND // 20
COLOUR = {"video": "#2569b5", "files": "#e08a00"}
SHARE = {True: "#2a8f3c", False: "#8a3fb5"}  # of the pings, down and up
TURN, WEIGHTS = "#d22d2d", "#0b7285"
WORDS = {"cut": "WLAN is cut", "back": "WLAN is back"}
HEIGHT, SPACE = 70, 26
MOST = 3 * BYTES_PER_SECOND  # what is above, after an interruption, is cut off


def bins_of(packets, begin, end):
    """The packets of each time of BIN from begin on."""
    bins = [[] for _ in range((end - begin) // BIN + 1)]
    for one in packets:
        if begin <= one.at < end:
            bins[(one.at - begin) // BIN].append(one)
    return [(begin + n * BIN, begin + (n + 1) * BIN, some) for n, some in enumerate(bins)]


def downloads(drawing, show, x, top):
    """What comes down by each link; returns the y below."""
    every = {(flow.name, path): [(begin, end, sum(one.octets for one in some) * SECOND / BIN) for begin, end, some in
                                 bins_of([one for one in show.seen if one.flow == flow.name and one.down
                                          and one.path == path], show.begin, show.end)]
             for flow in show.flows for path in NAMES}
    for path, name in NAMES.items():
        drawing.text(LEFT - 12, top + HEIGHT / 2, name, INK, 14, "end")
        for flow in show.flows:
            drawing.area(x, every[flow.name, path], top, HEIGHT, MOST, fill=COLOUR[flow.name],
                         fill_opacity=0.55, stroke=COLOUR[flow.name])
        drawing.line(LEFT, top + HEIGHT, LEFT + WIDTH, top + HEIGHT, FAINT)
        top += HEIGHT + SPACE
    return top


def shares(drawing, show, x, top):
    """How much of the pings goes by WLAN, and how much the weights ask for; returns the y below."""
    drawing.text(LEFT - 12, top + 20, "pings by", anchor="end")
    drawing.text(LEFT - 12, top + 36, "WLAN", anchor="end")
    for down, colour in SHARE.items():
        pings = [one for one in show.seen if one.flow == "ping" and one.down == down]
        for begin, end, some in bins_of(pings, show.begin, show.end - BIN):
            # Of four times as long, or a share of a few pings would jump.
            near = [one for one in pings if begin - 2 * BIN <= one.at < end + BIN]
            if some:
                y = top + HEIGHT * (1 - sum(one.path == WLAN for one in near) / len(near))
                drawing.line(x(begin), y, x(end), y, colour, 2)
    for share in show.shares:
        y = top + HEIGHT * (1 - share.wanted())
        drawing.line(x(share.begin), y, x(share.end), y, INK, 1, stroke_dasharray="2 3")
    drawing.line(LEFT, top, LEFT + WIDTH, top, FAINT, 0.5)
    drawing.line(LEFT, top + HEIGHT, LEFT + WIDTH, top + HEIGHT, FAINT)
    drawing.text(LEFT + WIDTH, top - 4, "100 %", FAINT, 10, "end")
    return top + HEIGHT + 10


def draw(drawing, show, top):
    """Draws below `top`; returns the y below."""
    x = Scale(show.begin, show.end)
    drawing.text(LEFT, top, "The gateway of link 1 reaches the anchor by two links at once", INK, 16)
    legend = [(flow.name + f", wanted by {NAMES[flow.way]}", COLOUR[flow.name]) for flow in show.flows]
    legend += [("share of the pings, down", SHARE[True]), ("up", SHARE[False])]
    for number, (words, colour) in enumerate(legend):
        drawing.rect(LEFT + number * 210, top + 10, 12, 12, colour)
        drawing.text(LEFT + number * 210 + 18, top + 20, words)
    first = top + 58
    y = shares(drawing, show, x, downloads(drawing, show, x, first))
    rows = Rows(2)
    marks = [(turn.at, WORDS[turn.kind], TURN) for turn in show.turns]
    marks += [(share.begin, "weights {}:{}".format(*share.weights), WEIGHTS) for share in show.shares]
    for at, words, colour in sorted(marks):
        row, where, anchor = rows.place(x(at), words, 12)
        drawing.line(x(at), first - 22, x(at), y, colour, 1.3, stroke_dasharray="4 3")
        drawing.text(where, first - 14 + 13 * row, words, colour, 12, anchor)
    axis(drawing, x, y, show.begin, SECOND, "s", 14)
    return y + 34
