"""One studio, wired: the composition root and the background thread."""
