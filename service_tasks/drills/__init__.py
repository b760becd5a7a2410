"""Compensation drills: a process is run with stand-ins for its services, which fail after every step in turn."""

from service_tasks.drills.drill import Drill, drill
from service_tasks.drills.gathering import gathered
from service_tasks.drills.report import Effect, Report, Step, Trial

__all__ = ["Drill", "Effect", "Report", "Step", "Trial", "drill", "gathered"]
