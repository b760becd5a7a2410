"""The fields that the strictest client, camunda-orchestration-sdk 10, demands of each thing: all, even when null."""

from __future__ import annotations

import re


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


TOPOLOGY = _names("brokers clusterId clusterSize partitionsCount replicationFactor gatewayVersion "
                  "lastCompletedChangeId")
BROKER = _names("nodeId brokerId host port partitions version")
DEPLOYMENT = _names("deploymentKey tenantId deployments")
DEPLOYED = _names("processDefinition decisionDefinition decisionRequirements form resource")
DEPLOYED_PROCESS = _names("processDefinitionId processDefinitionVersion resourceName tenantId processDefinitionKey")
CREATED = _names("processDefinitionId processDefinitionVersion tenantId variables processDefinitionKey "
                 "processInstanceKey tags businessId")
INSTANCE = _names("processDefinitionId processDefinitionName processDefinitionVersion processDefinitionVersionTag "
                  "startDate endDate state suspendedDate hasIncident tenantId processInstanceKey processDefinitionKey "
                  "parentProcessInstanceKey parentElementInstanceKey rootProcessInstanceKey tags businessId")
ELEMENT = _names("processDefinitionId startDate endDate elementId elementName type state hasIncident tenantId "
                 "elementInstanceKey processInstanceKey rootProcessInstanceKey processDefinitionKey incidentKey")
VARIABLE = _names("value isTruncated name tenantId variableKey scopeKey processInstanceKey rootProcessInstanceKey")
USER_TASK = _names("name state assignee elementId candidateGroups candidateUsers processDefinitionId creationDate "
                   "completionDate followUpDate dueDate tenantId externalFormReference processDefinitionVersion "
                   "customHeaders priority userTaskKey elementInstanceKey processName processDefinitionKey "
                   "processInstanceKey rootProcessInstanceKey businessId formKey tags")
INCIDENT = _names("processDefinitionId errorType errorMessage elementId creationTime state tenantId incidentKey "
                  "processDefinitionKey processInstanceKey rootProcessInstanceKey elementInstanceKey jobKey")
ACTIVATED_JOB = _names("type processDefinitionId processDefinitionVersion elementId customHeaders worker retries "
                       "deadline variables tenantId physicalTenantId jobKey processInstanceKey processDefinitionKey "
                       "elementInstanceKey kind listenerEventType userTask tags rootProcessInstanceKey businessId "
                       "priority")
TASK_OF_JOB = _names("action assignee candidateGroups candidateUsers changedAttributes dueDate followUpDate formKey "
                     "priority userTaskKey")
JOB = _names("customHeaders deadline deniedReason elementId elementInstanceKey endTime errorCode errorMessage "
             "hasFailedWithRetriesLeft isDenied jobKey kind listenerEventType processDefinitionId "
             "processDefinitionKey processInstanceKey rootProcessInstanceKey businessId retries state tenantId type "
             "worker creationTime lastUpdateTime priority")
SUBSCRIPTION = _names("businessId messageSubscriptionKey processDefinitionId processDefinitionKey processInstanceKey "
                      "rootProcessInstanceKey elementId elementInstanceKey messageSubscriptionState lastUpdatedDate "
                      "messageName correlationKey messageSubscriptionType toolProperties processDefinitionName "
                      "processDefinitionVersion toolName inboundConnectorType tenantId")
DEFINITION = _names("name resourceName version versionTag processDefinitionId tenantId processDefinitionKey "
                    "hasStartForm state")
PAGE = _names("totalItems hasMoreTotalItems startCursor endCursor")
PROBLEM = _names("type title status detail instance")

KEY = re.compile(r"-?[0-9]{1,25}\Z")


def check(thing: dict, names: frozenset[str]) -> None:
    """All fields are there and no others; every key is a text of digits."""
    assert thing.keys() == names
    for name, value in thing.items():
        if name.endswith("Key") and name != "correlationKey" and value is not None:
            assert isinstance(value, str), name
            assert KEY.match(value), name
