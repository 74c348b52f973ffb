"""Losses, one module each; their names are those of ``studio.methods``."""
