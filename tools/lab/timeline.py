"""The picture of a demo: all of it, and below it each move and each death enlarged."""

import statistics

from dataclasses import dataclass

from lab import words
from lab.drawing import FAINT, INK, LEFT, WIDTH, Drawing, Rows, Scale, axis, width_of
from lab.packets import AT_HOME

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
LINK_FILL = {"home": "#dcefdc", "a": "#dfeaf8", "b": "#fbeed6"}
LOST, SEEN, DEAD = "#d22d2d", "#2a8f3c", "#d22d2d"
SERVER = {AT_HOME: SEEN, "dp1": "#2569b5", "dp2": "#e08a00"}
PROGRAM = {"dmm-ctrl": "#5b5f66", "dp1": SERVER["dp1"], "dp2": SERVER["dp2"]}
SIGNAL = {"update": ("BU", "#0b7285"), "acknowledgement": ("BA", "#8a3fb5"),
          "refresh request": ("refresh request", "#b03060")}
BROKEN = 50 * MILLISECOND  # without a packet for so long, the path is drawn as broken
BEFORE, AFTER = 30 * MILLISECOND, 40 * MILLISECOND
ENLARGED_MOST = 8
LABEL_ROWS = 4
STARTING = 0.35  # opacity of a program that is not ready yet


@dataclass
class Record:
    """What a demo has seen. Times in ns since 1970."""
    begin: int
    end: int
    places: list      # {"link", "begin", "end"}
    lives: list       # (program, killed or started or ready, time)
    moves: list
    deaths: list
    pings: object     # measure.Pings
    paths: object     # packets.Paths
    download: list    # (time, octets)
    signalling: list  # packets


def bar(drawing, record, number, x, top, height, width):
    """A ping: below by whom it came to the node, above by whom it was relayed."""
    at = x(record.pings.sent[number]) - width / 2
    if number not in record.pings.heard:
        drawing.rect(at, top, max(width, 1.4), height, LOST)
        return
    server = record.paths.serving.get(number)
    drawing.rect(at, top + height * 0.4, width, height * 0.6, SERVER.get(server, FAINT))
    for relay in record.paths.relays.get(number, [])[:1]:
        drawing.rect(at, top, width, height * 0.4 - 1, SERVER.get(relay, FAINT))


def bars(drawing, record, x, top, height):
    shown = [number for number, at in record.pings.sent.items() if x.holds(at)]
    width = min(6, max(0.8, 0.6 * WIDTH / max(len(shown), 1)))
    for number in shown:
        bar(drawing, record, number, x, top, height, width)


def served(record):
    """(data plane or AT_HOME, begin, end): from when until when packets came from there."""
    arrivals = list(record.paths.tunnelled)
    arrivals += [(record.pings.heard[number], server) for number, server in record.paths.serving.items()
                 if server == AT_HOME and number in record.pings.heard]
    spans = []
    for at, server in sorted(arrivals):
        if spans and spans[-1][0] == server and at - spans[-1][2] < BROKEN:
            spans[-1][2] = at
        else:
            spans.append([server, at, at])
    return spans


def lifetimes(record, program):
    """(state, begin, end) of a program: lives, dead or starts."""
    spans, state, since = [], "lives", record.begin
    for name, what, at in record.lives:
        if name == program:
            spans.append((state, since, at))
            state, since = {"killed": "dead", "started": "starts", "ready": "lives"}[what], at
    return spans + [(state, since, record.end)]


def named_span(drawing, x, begin, end, y, height, fill, name, colour=INK):
    drawing.rect(x(begin), y, x(end) - x(begin), height, fill)
    if x(end) - x(begin) > width_of(name, 12) + 4:
        drawing.text((x(begin) + x(end)) / 2, y + height / 2 + 4, name, colour, anchor="middle")


def lives(drawing, record, x, y):
    """A lane for each program: gone while it is dead, pale until it is ready again."""
    for program, colour in PROGRAM.items():
        drawing.text(LEFT - 12, y + 10, program, anchor="end", size=12)
        for state, begin, end in lifetimes(record, program):
            if state != "dead":
                drawing.rect(x(begin), y, x(end) - x(begin), 12, colour,
                             fill_opacity=1 if state == "lives" else STARTING)
        for name, what, at in record.lives:
            if name == program and what == "killed":
                drawing.cross(x(at), y + 6, 5, DEAD)
        y += 18
    return y


def rates(record, events, bin_size):
    """What (time, amount) comes to a second, as steps."""
    count = (record.end - record.begin) // bin_size + 1
    bins = [0] * count
    for at, amount in events:
        if record.begin <= at <= record.end:
            bins[(at - record.begin) // bin_size] += amount
    return [(record.begin + index * bin_size, record.begin + (index + 1) * bin_size,
             amount * SECOND / bin_size) for index, amount in enumerate(bins)]


def usual(steps):
    """The median rate of those that are not 0."""
    return statistics.median([rate for _, _, rate in steps if rate] or [1])


def relayed(drawing, record, x, y, height):
    """Packets a second from each data plane to the other. What an interruption held back comes at
    once, and would make everything else look small."""
    bin_size = max(SECOND // 10, (record.end - record.begin) // 500)
    series = {plane: rates(record, [(at, 1) for at, name in record.paths.relayed if name == plane],
                           bin_size) for plane in SERVER if plane != AT_HOME}
    median = max(map(usual, series.values()))
    for plane, steps in series.items():
        drawing.area(x, steps, y, height, 2 * median, fill=SERVER[plane], fill_opacity=0.6)
    drawing.text(LEFT - 12, y + 16, "relayed", anchor="end", size=12)
    drawing.text(LEFT - 12, y + 32, f"median {median:.0f}/s", FAINT, 11, "end")


def downloaded(drawing, record, x, y, height):
    steps = rates(record, record.download, max(SECOND // 10, (record.end - record.begin) // 500))
    median = usual(steps)
    drawing.area(x, steps, y, height, 2 * median, fill="#b9c7d6", stroke="#5b7490")
    drawing.text(LEFT - 12, y + 20, "download", anchor="end", size=12)
    drawing.text(LEFT - 12, y + 36, f"median {median / 1e6:.1f} MB/s", FAINT, 11, "end")


def signals(drawing, record, x, y):
    drawing.text(LEFT - 12, y + 20, "signalling", anchor="end", size=12)
    for packet in record.signalling:
        if x.holds(packet.at):
            up = packet.kind == "update"
            drawing.line(x(packet.at), y + (0 if up else 16), x(packet.at), y + (14 if up else 30),
                         SIGNAL[packet.kind][1], 2)


def overview(drawing, record, top):
    """All of the run; returns the y below it."""
    x = Scale(record.begin, record.end)
    y = top + 34
    drawing.text(LEFT - 12, y + 17, "mobile node at", anchor="end", size=12)
    for place in record.places:
        named_span(drawing, x, place["begin"], place["end"], y, 24, LINK_FILL[place["link"]],
                   words.LINK_NAMES[place["link"]])
    y += 30
    drawing.text(LEFT - 12, y + 14, "served by", anchor="end", size=12)
    for server, begin, end in served(record):
        name = "home link" if server == AT_HOME else server
        named_span(drawing, x, *x.clip(begin, end), y, 20, SERVER[server], name, "white")
    y = lives(drawing, record, x, y + 32)
    relayed(drawing, record, x, y + 6, 40)
    signals(drawing, record, x, y + 56)
    drawing.text(LEFT - 12, y + 114, "ping", anchor="end", size=12)
    bars(drawing, record, x, y + 94, 30)
    downloaded(drawing, record, x, y + 134, 50)
    bottom = y + 190
    rows = Rows(2)
    for death in record.deaths:
        title = death.title(words.SHORT)
        row, at, anchor = rows.place(x(death.begin), title, 11)
        drawing.line(x(death.begin), top + 6 + 14 * row, x(death.begin), bottom, DEAD, 1,
                     stroke_dasharray="4 3")
        drawing.text(at, top + 14 + 14 * row, title, INK, 11, anchor)
    axis(drawing, x, bottom, record.begin, SECOND, "s", 16)
    return bottom + 30


def strip(drawing, record, begin, end, zero, marks, top):
    """A part of the run enlarged, with labelled instants; returns the y below it."""
    x = Scale(begin, end)
    rows = Rows(LABEL_ROWS)
    labels = 14 * LABEL_ROWS + 4
    for place in record.places:
        first, last = x.clip(place["begin"], place["end"])
        if first < last:
            drawing.rect(x(first), top, x(last) - x(first), labels + 38, LINK_FILL[place["link"]])
    for at, name, colour in sorted(marks):
        if x.holds(at):
            row, where, anchor = rows.place(x(at), name, 11)
            drawing.line(x(at), top + 14 * row, x(at), top + labels + 38, colour, 1.2,
                         stroke_dasharray="3 2")
            drawing.text(where, top + 12 + 14 * row, name, colour, 11, anchor)
    drawing.text(LEFT - 12, top + labels + 20, "ping", anchor="end", size=12)
    bars(drawing, record, x, top + labels + 4, 30)
    axis(drawing, x, top + labels + 38, zero, MILLISECOND, "ms", 14)
    return top + labels + 62


def heading(drawing, top, title, caption):
    drawing.text(LEFT, top + 14, title, size=13, font_weight="bold")
    drawing.text(LEFT + WIDTH, top + 14, caption, INK, 12, "end")
    return top + 22


def last_of(record, begin, end, instants):
    """When there is nothing more to see: the last instant, or the last ping lost."""
    return max([begin, *(at for at in instants if at),
                *(record.pings.sent[number] for number in record.pings.lost(begin, end))])


def move_strip(drawing, record, move, top):
    y = heading(drawing, top, f"{words.LINK_NAMES[move.origin]} to {words.LINK_NAMES[move.target]}",
                words.move_caption(move))
    marks = [(move.unplugged, "link changed", INK), (move.usable, "address usable", FAINT),
             (move.acknowledged, *SIGNAL["acknowledgement"]), (move.restored, "first packet", SEEN)]
    for index, at in enumerate(move.updates):
        name, colour = SIGNAL["update"]
        marks.append((at, f"{name} again" if index else name, colour))
    marks = [mark for mark in marks if mark[0]]
    last = last_of(record, move.unplugged, move.end, (mark[0] for mark in marks))
    return strip(drawing, record, move.unplugged - BEFORE, last + AFTER, move.unplugged, marks, y)


def death_strip(drawing, record, death, top):
    y = heading(drawing, top, death.title(), words.death_caption(death))
    marks = [(at, what, DEAD if what == "killed" else INK) for at, what in death.marks]
    marks += [(packet.at, *SIGNAL[packet.kind]) for packet in record.signalling
              if death.begin <= packet.at <= death.end]
    last = last_of(record, death.begin, death.end, (at for at, _, _ in marks))
    span = last - death.begin
    # Room for the labels of what ends it.
    return strip(drawing, record, death.begin - max(BEFORE, span // 25), last + max(AFTER, span // 6),
                 death.begin, marks, y)


def legend(drawing, top):
    def square(x, y, colour, **more):
        drawing.rect(x, y, 12, 12, colour, **more)

    def relayed_ping(x, y):
        drawing.rect(x, y, 12, 5, SERVER["dp1"])
        drawing.rect(x, y + 6, 12, 7, SERVER["dp2"])

    def entries(y, *parts):
        x = LEFT
        for draw_it, name in parts:
            draw_it(x, y)
            drawing.text(x + 18, y + 11, name)
            x += 36 + width_of(name, 12)

    def coloured(colour, **more):
        return lambda x, y: square(x, y, colour, **more)

    entries(top, (coloured(SIGNAL["update"][1]), "Binding Update (BU)"),
            (coloured(SIGNAL["acknowledgement"][1]), "Binding Acknowledgement (BA)"),
            (coloured(SIGNAL["refresh request"][1]), "Binding Refresh Request"),
            (lambda x, y: drawing.cross(x + 6, y + 6, 5, DEAD), "program killed"),
            (coloured(PROGRAM["dmm-ctrl"], fill_opacity=STARTING), "program starts"))
    entries(top + 20, (coloured(SERVER[AT_HOME]), "ping that came on the home link"),
            (coloured(SERVER["dp1"]), "from dp1"), (coloured(SERVER["dp2"]), "from dp2"),
            (relayed_ping, "from dp2, relayed by dp1"), (coloured(LOST), "ping lost"))
    return top + 46


def draw(record):
    """The picture as SVG text."""
    drawing = Drawing()
    drawing.text(LEFT, 30, "A mobile node moves, programs of its gateway die; a ping and a download go on",
                 size=18, font_weight="bold")
    y = overview(drawing, record, legend(drawing, 46))
    strips = [(move.unplugged, move_strip, move) for move in record.moves[:ENLARGED_MOST]]
    strips += [(death.begin, death_strip, death) for death in record.deaths if death.loss]
    for _, draw_one, one in sorted(strips, key=lambda each: each[0]):
        y = draw_one(drawing, record, one, y + 14)
    return drawing.document(y + 10)
