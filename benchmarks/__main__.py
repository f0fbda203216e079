"""`python -m benchmarks NAME HOME [--full]`: one benchmark on the stack below HOME; its figures as JSON on standard
output. --full: at its largest sizes, however long that takes."""

import json
import sys
from pathlib import Path

from benchmarks.catalogue import CATALOGUE
from benchmarks.stage import stage_at


def main(name: str, home: str, full: str = "") -> None:
    found = CATALOGUE[name](stage_at(Path(home), full == "--full"))
    print(json.dumps(found if isinstance(found, list) else [found]))


if __name__ == "__main__":
    main(*sys.argv[1:])
