"""MAPD Studio: teach a small model to reason from its own mistakes.

The map in words. ``domain`` says what things are and what the rules are. ``store`` keeps them in
one SQLite file. ``teachers`` talk to large models; ``methods`` turn curated records into training
examples; ``launch`` starts job folders; ``jobs`` is the torch side of such a folder. ``flow`` is
the product: one module per arrow from question to export. ``app`` wires one studio together;
``cli`` and ``ui`` are its two front ends.
"""

__version__ = "0.1.0"
