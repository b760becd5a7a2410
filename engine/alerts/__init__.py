"""Alerts: rules on what is measured, told to people once when they begin and once when they are over."""
