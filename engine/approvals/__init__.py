"""Four eyes: what one person asks for waits until another one, who may do the same, approves it."""
