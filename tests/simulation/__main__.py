"""The command line of the simulation: `python -m tests.simulation --help`."""

import sys

from tests.simulation.many import main

if __name__ == "__main__":
    sys.exit(main())
