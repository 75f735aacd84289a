"""`make bench`: how fast, on which link, with how much memory, at which size.

    python -m tests.bench [race] [links] [uploads] [resume] [feeding] [scale]
                          [--rounds N] [--megabytes N] [--rates 25,12.5] [--quick]

Without a word all parts run, one after the other. Each writes a table and a plot to
tests/bench/results; with 780 MB and 3 rounds on 2 cores `race` takes about 4 minutes, `links` 33,
`feeding` 10, `uploads` 1, `resume` 1 and `scale` half a minute.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench import feeding, ground, links, race, resumed, scale, uploads

_PARTS: dict[str, Callable[[ground.Bench], None]] = {
    "uploads": uploads.uploads,
    "resume": resumed.resumed,
    "feeding": feeding.feeding,
}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    known = ("race", "links", *_PARTS, "scale")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(known)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=float, default=780, help="of the sample")
    parser.add_argument("--quick", action="store_true", help="race without the large archives")
    parser.add_argument("--rates", default="0,100,25,12.5", help="of the links, in MB/s")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(known):
        parser.error(f"no such part: {', '.join(unknown)}")
    wanted = options.parts or known
    if "scale" in wanted:
        with tempfile.TemporaryDirectory(prefix="eksa-scale-") as folder:
            scale.scale(Path(folder))
    if set(wanted) == {"scale"}:
        return
    with ground.bench(options.megabytes, options.rounds) as bench:
        if "race" in wanted:
            race.race(bench, large=not options.quick)
        if "links" in wanted:
            links.links(bench, [float(rate) * 1e6 for rate in options.rates.split(",")])
        for name, part in _PARTS.items():
            if name in wanted:
                part(bench)


if __name__ == "__main__":
    main()
