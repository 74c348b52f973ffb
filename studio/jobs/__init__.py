"""The torch side, started as ``python -m studio.jobs FOLDER`` and imported by nobody."""
