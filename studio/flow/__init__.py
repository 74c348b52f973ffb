"""The product: one module per arrow of the data flow; ``pipeline`` strings them together."""
