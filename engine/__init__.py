"""State and time: what instances are, what they wait for, what happened to them. Knows no HTTP."""
