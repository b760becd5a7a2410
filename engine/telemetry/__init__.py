"""What the engine tells of itself to whoever watches it."""
