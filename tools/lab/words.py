"""The words of the demo: what happened, for people to read."""

from lab import programs
from lab.measure import ms

LINK_NAMES = {"home": "home link", "a": "link A", "b": "link B"}
DEATHS = {
    "ctrl_restart": "{} is killed, and started later",
    "dp_restart": "{}, which relays, is killed, and started at once",
    "dp_failover": "{}, which serves, is killed",
    "dp_return": "{} is started again",
}
SHORT = {"ctrl_restart": "{} killed", "dp_restart": "{} killed", "dp_failover": "{} killed",
         "dp_return": "{} started"}
# Of these the ping must notice nothing.
UNNOTICED = ("ctrl_restart", "dp_return")
# What is aimed at; not judged, because time belongs to the machine.
AIMS = {"dp_restart": 1000, "dp_failover": 1500, "recovery": 20}


def move_caption(move):
    values = move.as_json()
    words = [f"{name} {values[key]:.1f} ms" for name, key in
             (("signalling", "signalling_ms"), ("interruption", "interruption_ms"),
              ("path back after", "recovery_ms")) if values[key] is not None]
    words.append(f"{move.lost} lost")
    words.append(f"served by {move.data_plane}" if move.data_plane else "no tunnel")
    words += [f"{count} packets relayed by {name}" for name, count in move.relayed.items() if count]
    return ", ".join(words)


def instants(move):
    """(time, what happened) of a move."""
    known = [(move.usable, "address on the new link is usable"),
             (move.updates[0] if move.updates else None, "Binding Update leaves"),
             (move.acknowledged, f"Binding Acknowledgement, status {move.status}"),
             (move.restored, "first packet on the new path")]
    return [(at, words) for at, words in known if at]


def death_caption(death):
    words = [f"interruption {death.interruption():.1f} ms" if death.kind not in UNNOTICED or death.loss.lost
             else "no interruption", f"{death.loss.lost} lost"]
    if death.resync is not None:
        words.append(f"synchronised {ms(death.resync):.1f} ms after its start")
    if death.bindings[0] is not None:
        words.append("bindings {} before, {} after".format(*death.bindings))
    return ", ".join(words)


def milliseconds(value, width=9):
    return " " * (width + 2) + "-" if value is None else f"{value:{width}.1f} ms"


def move_rows(made):
    yield "  move           signalling  interruption  path back   lost  served by  relayed"
    for move in made:
        values = move.as_json()
        relayed = [f"{count} by {name}" for name, count in move.relayed.items() if count]
        cells = [milliseconds(values[key]) for key in ("signalling_ms", "interruption_ms", "recovery_ms")]
        lost = "-" if move.lost is None else move.lost
        yield (f"  {move.origin:>4} -> {move.target:<4}  {'  '.join(cells)}  {lost:>5}  "
               f"{move.data_plane or '-':>9}  {', '.join(relayed) or '-'}")


def within(value, aim):
    return "" if value is None else f"; aim {aim} ms: {'reached' if value <= aim else 'MISSED'}"


def death_rows(deaths):
    for death in deaths:
        if death.loss:
            aim = within(death.interruption(), AIMS[death.kind]) if death.kind in AIMS else ""
            yield f"  {death.title()}:"
            yield f"      {death_caption(death)}{aim}"


def table(demo, result, picture):
    """What came of the run, in lines."""
    lines = ["", *move_rows(demo.moves)]
    figures = result["between_visited_links"]
    if figures:
        parts = [f"{name} {figures[key]['median']} ({figures[key]['worst']}) ms" for name, key in
                 (("signalling", "signalling_ms"), ("interruption", "interruption_ms"),
                  ("path back", "recovery_ms")) if key in figures]
        aim = within(figures["recovery_ms"]["median"], AIMS["recovery"]) if "recovery_ms" in figures else ""
        lines.append(f"  between visited links, median (worst): {', '.join(parts)}{aim}")
    lines += death_rows(demo.deaths)
    lines.append(f"  download: {demo.outcome['bytes']} octets, "
                 + ("intact" if demo.outcome["intact"] else "DAMAGED"))
    lines.append(f"  picture:  {picture} and {picture.with_suffix('.png')}")
    return "\n".join(lines)


def doors(lab, build, mobile):
    """How to look around in a network that is kept."""
    folders = programs.folders(build)
    made = [node.write_door(folders) for node in lab.nodes.values()]
    return "\n".join([
        f"  kept: {', '.join(lab.nodes)}",
        f"  look around: {made[0].parent.parent}/NODE/enter COMMAND..., for example",
        f"    {lab.ctrl.directory}/enter dmmctl binding show",
        *([f"    {lab.mn.directory}/enter dmm-mn --config {mobile.config} --status"] if mobile else []),
        "  tools/demo --stop removes it"])
