"""The command line where the clock was never set, or far ahead: ``python -m tests.odd_clock VERB ...``.

``MAPD_TEST_CLOCK`` says when this process believes to begin, in seconds since 1970.
"""

from __future__ import annotations

import os
import sys
import time

_begun, _real = time.monotonic(), float(os.environ["MAPD_TEST_CLOCK"])
time.time = lambda: _real + time.monotonic() - _begun

if __name__ == "__main__":
    from studio.cli import main

    sys.exit(main())
