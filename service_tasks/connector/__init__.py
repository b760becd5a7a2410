"""The HTTP connector: service tasks drawn with Camunda's REST outbound connector template run without any code.

`docs/SERVICES.md` says which of the template's fields it knows and where it differs from Camunda's own runtime.
"""

from service_tasks.connector.checks import ConnectorChecks
from service_tasks.connector.reach import Reach, ReachError
from service_tasks.connector.service import JOB_TYPE, HttpConnector

__all__ = ["JOB_TYPE", "ConnectorChecks", "HttpConnector", "Reach", "ReachError"]
