"""Many nodes on one database: who lives, what falls due, who takes it."""
