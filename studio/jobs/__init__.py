"""The torch side, started as ``python -m studio.jobs FOLDER`` and imported by nobody."""

import logging

# PEFT loads it where it is installed; it tells of kernels it could fetch from the hub, and does without.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
