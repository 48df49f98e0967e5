"""tools/demo: plays the demo that its first argument names. A demo is a row of DEMOS and a module of
this package, which has main()."""

import importlib
import sys

# Name on the command line, the label under which its network runs, and what it shows.
DEMOS = {
    "": ("demo", "a node moves from link to link, programs of its gateway die, a download goes on"),
    "multihoming": ("multihoming", "a node on Wi-Fi and LTE at once, and a policy for its flows"),
    "multicast": ("multicast", "multicast groups that follow the nodes which listen to them"),
    "pmip": ("pmip", "a host that knows nothing of mobility moves between access gateways; one has two links"),
}


def listing():
    """All demos, in lines."""
    return "\n".join(["Demos, each with a --help of its own:",
                      *(f"  {('tools/demo ' + name).strip():24} {shows}"
                        for name, (_, shows) in DEMOS.items())])


def labels(label):
    """The labels that --stop of a demo is about: its own; without a name, those of all."""
    return [label] if label != DEMOS[""][0] else [one for one, _ in DEMOS.values()]


def main():
    name = sys.argv[1] if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else ""
    if name not in DEMOS:
        print(f"tools/demo: there is no demo '{name}'\n{listing()}", file=sys.stderr)
        return 2
    if name:
        del sys.argv[1]
    module = importlib.import_module("lab." + DEMOS[name][0])
    return module.main()


if __name__ == "__main__":
    from lab import show
    show.end(main)
