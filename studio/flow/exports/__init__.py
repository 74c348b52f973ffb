"""What ``flow/export.py`` is made of: where to write, what to write, and in which shape."""
