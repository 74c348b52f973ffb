"""The project's SQLite file: the only place that knows SQL."""
