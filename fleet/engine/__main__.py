"""``python -m fleet.engine``: build the engine if there is none, print where it is. Needs the standard library only."""

import sys
from pathlib import Path

from fleet.engine import EngineError, build_engine, installed_engine

CHECKOUT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Exit code 0 with the folder of the programs on standard output, 4 with a message on standard error."""
    try:
        installed = installed_engine()
        folder = installed.folder if installed else build_engine(CHECKOUT, lambda line: print(line, file=sys.stderr))
    except EngineError as problem:
        print(problem, file=sys.stderr)
        return problem.exit_code
    except KeyboardInterrupt:
        print("interrupted; what Go compiled so far is kept and not done again", file=sys.stderr)
        return 130
    print(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
