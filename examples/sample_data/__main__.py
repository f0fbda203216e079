"""`python -m examples.sample_data --to DIRECTORY`: writes the fact files and says what is in them."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from examples.sample_data.files import write_facts
from examples.sample_data.shift import Shift, choose_shift


def main() -> None:
    """Reads the arguments, writes, reports."""
    arguments = _parser().parse_args()
    shift = (
        choose_shift(arguments.home, datetime.now(UTC))
        if arguments.weeks is None
        else Shift(weeks=arguments.weeks, newly_chosen=False)
    )
    written = write_facts(arguments.to, shift.weeks, arguments.households, arguments.gzip)
    print(shift)
    print(f"{written.facts}: " + ", ".join(f"{count:,} {kind}" for kind, count in written.counts.items()))
    print(f"{written.users}: {written.households:,} users")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m examples.sample_data", description=__doc__)
    parser.add_argument("--to", type=Path, required=True, help="the directory to write into")
    parser.add_argument(
        "--weeks",
        type=int,
        help="how far to move 2017; default: to end within the last seven days",
    )
    parser.add_argument("--home", type=Path, default=Path(".tierline"), help="where that choice is kept")
    parser.add_argument(
        "--households",
        type=int,
        help="only so many households, chosen by a stable hash",
    )
    parser.add_argument("--gzip", action="store_true", help="write facts.ndjson.gz")
    return parser


if __name__ == "__main__":
    main()
