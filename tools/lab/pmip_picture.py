"""The picture of the demo of Proxy Mobile IPv6: by which gateway what came to the host, and when."""

from lab import pmip_paths_picture
from lab.drawing import FAINT, INK, LEFT, WIDTH, Drawing, Rows, Scale, axis
from lab.proxy import LINKS, is_downlink
from lab.proxy_paths import PLACE

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
COLOUR = {"1": "#2569b5", "2": "#e08a00", "3": "#2a8f3c"}
FILL = {"1": "#dfeaf8", "2": "#fbeed6", "3": "#dcefdc"}
LOST = "#d22d2d"
SIGNAL = {"update": ("PBU", "#0b7285"), "acknowledgement": ("PBA", "#8a3fb5")}
BEFORE, AFTER = 60 * MILLISECOND, 60 * MILLISECOND
ENLARGED_MOST = 6


def arrivals(show):
    """(time, link) of the packets for the host that left the anchor."""
    return [(packet.at, PLACE.get(packet.destination)) for packet in show.packets
            if is_downlink(packet, show.address)]


def rates(arrived, link, begin, end, size):
    """(begin, end, packets a second) of a link, without holes."""
    bins = [0] * ((end - begin) // size + 1)
    for at, by in arrived:
        if by == link and begin <= at < end:
            bins[(at - begin) // size] += 1
    return [(begin + n * size, begin + (n + 1) * size, count * SECOND / size)
            for n, count in enumerate(bins)]


def presence(drawing, show, x, y, height):
    """On which link the host is."""
    for link, begin, end in show.places:
        begin, end = x.clip(begin, end)
        if begin < end:
            drawing.rect(x(begin), y, x(end) - x(begin), height, FILL[link])
            if x(end) - x(begin) > 60:
                drawing.text((x(begin) + x(end)) / 2, y + 16, f"link {link}", INK, 12, "middle")


def pings(drawing, show, x, y):
    """A stroke for each ping: of the colour of its gateway, or long and red if it was lost."""
    record = show.pinging.pings()
    by = {packet.ping: packet.destination for packet in show.packets
          if packet.ping is not None and is_downlink(packet, show.address)}
    drawing.text(LEFT - 12, y + 16, "ping", anchor="end")
    for number, at in record.sent.items():
        if x.holds(at):
            heard = number in record.heard
            colour = COLOUR.get(PLACE.get(by.get(number)), FAINT) if heard else LOST
            drawing.line(x(at), y + (6 if heard else 0), x(at), y + 20, colour, 1 if heard else 1.6)


def overview(drawing, show, top):
    x, y = Scale(show.begin, show.end), top + 16
    drawing.text(LEFT - 12, y + 17, "host on", anchor="end")
    presence(drawing, show, x, y, 24)
    y += 34
    arrived, size = arrivals(show), max(SECOND // 20, (show.end - show.begin) // 400)
    series = {link: rates(arrived, link, show.begin, show.end, size) for link in LINKS}
    highest = max((rate for steps in series.values() for _, _, rate in steps), default=1) or 1
    for link, steps in series.items():
        drawing.area(x, steps, y, 50, highest, fill=COLOUR[link], fill_opacity=0.55)
        drawing.text(LEFT - 12, y + 30, f"tunnel to mag{link}", anchor="end")
        drawing.line(LEFT, y + 50, LEFT + WIDTH, y + 50, FAINT)
        y += 58
    pings(drawing, show, x, y)
    y += 28
    drawing.text(LEFT - 12, y + 12, "signalling", anchor="end")
    for packet in show.packets:
        if packet.kind in SIGNAL and x.holds(packet.at):
            up = packet.kind == "update"
            drawing.line(x(packet.at), y + (0 if up else 9), x(packet.at), y + (8 if up else 17),
                         SIGNAL[packet.kind][1], 2)
    y += 24
    axis(drawing, x, y, show.begin, SECOND, "s", 14)
    return y + 34


def strip(drawing, show, move, top):
    """A move enlarged, with its instants; returns the y below it."""
    row = move.figures()
    drawing.text(LEFT, top + 12, f"mag{move.origin} to mag{move.target}", size=13, font_weight="bold")
    drawing.text(LEFT + WIDTH, top + 12, f"interruption {row['interruption_ms'] or 0:.1f} ms, "
                 f"{move.lost} lost", INK, 12, "end")
    marks = [(move.begun, "link changed", INK), (move.acknowledged, *SIGNAL["acknowledgement"]),
             (move.restored, "first packet", COLOUR[move.target])]
    marks += [(at, SIGNAL["update"][0] + (" again" if number else ""), SIGNAL["update"][1])
              for number, at in enumerate(move.updates)]
    marks = sorted((mark for mark in marks if mark[0]), key=lambda mark: mark[0])
    lost = [show.pinging.pings().sent[number] for number in show.pinging.pings().lost(move.begun, move.end)]
    x = Scale(move.begun - BEFORE, max([marks[-1][0], *lost]) + AFTER)
    presence(drawing, show, x, top + 20, 78)
    rows = Rows(3)
    for at, name, colour in marks:
        line, where, anchor = rows.place(x(at), name, 11)
        drawing.line(x(at), top + 36 + 14 * line, x(at), top + 98, colour, 1.2, stroke_dasharray="3 2")
        drawing.text(where, top + 46 + 14 * line, name, colour, 11, anchor)
    pings(drawing, show, x, top + 76)
    axis(drawing, x, top + 98, move.begun, MILLISECOND, "ms", 12)
    return top + 134


def draw(show):
    drawing = Drawing()
    drawing.text(LEFT, 24, f"A host that knows nothing of mobility keeps {show.address}", INK, 16)
    y = overview(drawing, show, 34)
    for move in show.moves[:ENLARGED_MOST]:
        y = strip(drawing, show, move, y + 10)
    y = pmip_paths_picture.draw(drawing, show.paths, y + 24)
    return drawing.document(y + 10)
