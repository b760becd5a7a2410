"""Events that go out: CloudEvents of what happens, for whoever subscribed, written in its own transaction."""
