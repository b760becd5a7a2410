"""Looks at the rules of alerts (`engine.alerts`) and tells people, through Apprise."""

from service_tasks.alerts.watcher import Watcher

__all__ = ["Watcher"]
