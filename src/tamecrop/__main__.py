"""`python -m tamecrop` is `tamecrop`."""

import sys

from tamecrop.cli import main

if __name__ == "__main__":
    sys.exit(main())
