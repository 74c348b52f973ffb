"""Methods: how curated records become training examples. No torch here."""
