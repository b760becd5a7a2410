"""What operators do to instances: modify, migrate, restart."""
