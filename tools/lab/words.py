"""The words of the demo: what happened, for people to read."""

from lab import programs

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
    if death.synced is not None:
        words.append(f"synchronised {death.since_start(death.synced):.1f} ms after its start")
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


def within(what, value, aim):
    """Aims are not judged: time belongs to the machine."""
    return f"aim: {what} within {aim} ms, " + ("reached" if value <= aim else f"MISSED ({value:.1f} ms)")


def aim_of(death):
    """Its aim and whether it was reached; None: it has none."""
    if death.kind == "ctrl_restart":
        return "aim: 0 lost, " + ("MISSED" if death.loss.lost else "reached")
    if death.kind == "dp_restart":
        return within("forwarding again", death.since_start(death.again), 1000)
    if death.kind == "dp_failover":
        return within("served by the other", death.interruption(), 1500)
    return None


def death_rows(deaths):
    for death in deaths:
        if death.loss:
            yield f"  {death.title()}:"
            yield f"      {death_caption(death)}"
            if aim_of(death):
                yield f"      {aim_of(death)}"


def table(demo, result, picture):
    """What came of the run, in lines."""
    lines = ["", *move_rows(demo.moves)]
    figures = result["between_visited_links"]
    if "recovery_ms" in figures:
        parts = [f"{name} {figures[key]['median']:.1f} ({figures[key]['worst']:.1f})" for name, key in
                 (("signalling", "signalling_ms"), ("interruption", "interruption_ms"),
                  ("path back", "recovery_ms")) if key in figures]
        lines.append(f"  between visited links, median (worst) in ms: {', '.join(parts)}")
        lines.append("      " + within("path back", figures["recovery_ms"]["median"], 20))
    lines += death_rows(demo.deaths)
    lines.append(f"  download: {demo.outcome['bytes']} octets, "
                 + ("intact" if demo.outcome["intact"] else "DAMAGED"))
    lines.append(f"  picture:  {picture} and {picture.with_suffix('.png')}")
    return "\n".join(lines)


def doors(lab, build, control, mobile=None, name=""):
    """How to look around in a network that is kept, and how to move a node of it."""
    folders = programs.folders(build)
    made = [node.write_door(folders) for node in lab.nodes.values()]
    return "\n".join([
        f"  kept: {', '.join(lab.nodes)}",
        f"  look around: {made[0].parent.parent}/NODE/enter COMMAND..., for example",
        f"    {control.directory}/enter dmmctl status",
        *([f"    {lab.mn.directory}/enter dmm-mn --config {mobile.config} --status",
           f"    {lab.air.directory}/enter ip link set mn master br-a    # moves it to link A; br-b, br-home"]
          if mobile else []),
        f"  tools/demo {name + ' ' if name else ''}--stop removes it"])
