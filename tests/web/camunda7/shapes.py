"""The fields that clients find in each kind of thing: all of them, even when null."""

from __future__ import annotations


def _names(text):
    return frozenset(text.split())


DEPLOYMENT = _names("links id name source deploymentTime tenantId deployedProcessDefinitions deployedCaseDefinitions "
                    "deployedDecisionDefinitions deployedDecisionRequirementsDefinitions")
DEFINITION = _names("id key category description name version resource deploymentId diagram suspended tenantId "
                    "versionTag historyTimeToLive startableInTasklist")
INSTANCE = _names("links id definitionId definitionKey businessKey caseInstanceId ended suspended tenantId")
LOCKED_TASK = _names("activityId activityInstanceId errorMessage errorDetails executionId id lockExpirationTime "
                     "createTime processDefinitionId processDefinitionKey processDefinitionVersionTag "
                     "processInstanceId retries suspended workerId topicName tenantId priority businessKey variables "
                     "extensionProperties")
EXTERNAL_TASK = LOCKED_TASK - {"variables", "extensionProperties", "errorDetails"}
TASK = _names("id name assignee created due followUp lastUpdated delegationState description executionId owner "
              "parentTaskId priority processDefinitionId processInstanceId taskDefinitionKey caseExecutionId "
              "caseInstanceId caseDefinitionId suspended formKey camundaFormRef tenantId taskState")
INCIDENT = _names("id processDefinitionId processInstanceId executionId incidentTimestamp incidentType activityId "
                  "failedActivityId causeIncidentId rootCauseIncidentId configuration incidentMessage tenantId "
                  "jobDefinitionId annotation")
ACTIVITY = _names("id parentActivityInstanceId activityId activityName activityType name processInstanceId "
                  "processDefinitionId childActivityInstances childTransitionInstances executionIds incidentIds "
                  "incidents")
PAST_INSTANCE = _names("id businessKey processDefinitionId processDefinitionKey processDefinitionName "
                       "processDefinitionVersion startTime endTime removalTime durationInMillis startUserId "
                       "startActivityId deleteReason rootProcessInstanceId superProcessInstanceId "
                       "superCaseInstanceId caseInstanceId tenantId state restartedProcessInstanceId")
VARIABLE = _names("type value valueInfo")
ERROR = _names("type message code")
