"""What each address asks for: one table of all endpoints. One that is not in it is refused, and a test fails.

The keys in an address are looked up by `web.auth.authorizing`; what a body names is looked at where it is acted upon,
by what the command may act on (`engine.sight.allowed`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from web.auth.roles import Permission as May

KEYS = ("key", "id", "instance_key", "incident_key", "timer_key", "subscription_key", "resource_id", "comment")
"""Arguments of an address that are keys, or end in one."""

@dataclass(frozen=True, slots=True)
class Rule:
    """One of the permissions, for what the address names; `everywhere`: for everything there is.

    Without permissions it is for everybody who is known. `keys`: the arguments of the address to look at.
    """

    any_of: tuple[May, ...] = ()
    everywhere: bool = False
    keys: tuple[str, ...] = KEYS


def _rules(rule: Rule, door: str, names: str) -> dict[str, Rule]:
    return {f"{door}.{name}": rule for name in names.split()}


KNOWN = Rule()
READ = Rule((May.READ,))
READ_ALL = Rule((May.READ,), everywhere=True)
READ_NAMES = Rule((May.READ,), keys=())
"""Where what is called a key or an id is none: a name of somebody."""
TASKS = Rule((May.TASKS,))
START = Rule((May.START,))
MESSAGE = Rule((May.MESSAGE,))
JOBS = Rule((May.JOBS,))
JOBS_OR_OPERATE = Rule((May.JOBS, May.OPERATE))
DECIDE = Rule((May.DECIDE,))
OPERATE = Rule((May.OPERATE,))
OPERATE_ALL = Rule((May.OPERATE,), everywhere=True)
DEPLOY = Rule((May.DEPLOY,))
ADMINISTER = Rule((May.ADMINISTER,), everywhere=True)

CONSOLE: Mapping[str, Rule] = {
    **_rules(KNOWN, "console", """
        change_actor change_language have_looked interfaces manual manual_file playground try_expression
        sessions end_session end_other_sessions change_password confirmation confirm_session second_factor
        set_up_second_factor activate_second_factor renew_recovery_codes remove_second_factor"""),
    **_rules(READ, "console", """
        home find tenants processes process process_figures definition_file instances instances_file instance preview
        raw_file incidents incident hotspot report report_file messages message decisions decision decision_file
        evaluation form_list form form_file try_form tasks task drill services service service_templates service_preview
        operations operation operation_file approvals approval audit audit_file save_view save_filter"""),
    **_rules(READ, "console", "remove_view remove_filter"),
    **_rules(READ_ALL, "console", "nodes alerts events inbound audit_verification"),
    **_rules(TASKS, "console", """
        assign_task claim_task comment_on_task complete_task delegate_task unclaim_task keep_draft discard_draft"""),
    **_rules(START, "console", "start_instance"),
    **_rules(DECIDE, "console", "evaluate_decision"),
    **_rules(DEPLOY, "console", """
        new_deployment deploy review deploy_reviewed approve_deployment decline_deployment"""),
    **_rules(OPERATE, "console", """
        cancel_instance suspend_instance resume_instance retry_instance resolve_incident record_outcome ask_service
        repeat_call reveal_variable
        set_attempts fire_timer deliver_event deliver_message set_variable care_for_incident care_for_alike
        modify modify_step modify_many restart_many migrate migrate_choice restart restart_choice
        pause_starts resume_starts
        approve_operation decline_operation new_operation plan_operation apply_operation pause_operation
        resume_operation stop_operation
        repeat_operation"""),
    **_rules(OPERATE_ALL, "console", "hold_service release_service"),
    **_rules(ADMINISTER, "console", """
        save_tenant remove_tenant secrets set_secret delete_secret add_alert remove_alert switch_alert
        add_event_target pause_event_target remove_event_target discard_event retry_event
        change_event_target resend_events
        add_source pause_source remove_source retry_inbound discard_inbound"""),
}
API: Mapping[str, Rule] = {
    **_rules(KNOWN, "api", "nothing openapi_document"),
    **_rules(READ, "api", """
        audit definitions effects incidents incident incident_notes cared_incidents instances instance
        instance_variables message_subscriptions messages near_misses approvals approval instance_timers
        instance_subscriptions operations operation operation_items tenants
        starts_of_process service_contracts service_openapi user_tasks"""),
    **_rules(READ_ALL, "api", """
        audit_verification alerts event_targets event_deliveries inbound_sources inbound_set_aside"""),
    **_rules(OPERATE, "api", """
        incident_acknowledgement_post incident_assignment_post incident_notes_post incident_snooze_post
        incident_ticket_post fingerprint_acknowledgement_post fingerprint_assignment_post fingerprint_notes_post
        fingerprint_snooze_post fingerprint_ticket_post reveal_variable
        deliver_message plan_operation apply_operation pause_operation
        resume_operation stop_operation pause_starts resume_starts fire_timer deliver_event approve_operation
        decline_operation"""),
    **_rules(DEPLOY, "api", "approve_deployment decline_deployment"),
    **_rules(ADMINISTER, "api", """
        add_event_target pause_event_target resume_event_target remove_event_target retry_event discard_event
        change_event_target resend_events
        add_inbound_source pause_inbound_source resume_inbound_source remove_inbound_source retry_inbound_event
        discard_inbound_event add_alert enable_alert disable_alert remove_alert"""),
}
CAMUNDA8: Mapping[str, Rule] = {
    **_rules(KNOWN, "camunda8", "nothing me license status topology"),
    **_rules(READ, "camunda8", """
        get_element search_incidents_of_element search_elements get_incident search_incidents search_jobs
        search_subscriptions get_definition get_start_form get_xml search_definitions get_instance call_hierarchy
        search_incidents_of_instance sequence_flows element_statistics search_instances get_user_task
        search_effective_variables get_form search_variables_of_task search_user_tasks get_variable search_variables
        """),
    **_rules(READ_NAMES, "camunda8", "search_tenants get_tenant"),
    **_rules(TASKS, "camunda8", "update_user_task unassign_user_task assign_user_task complete_user_task"),
    **_rules(START, "camunda8", "start"),
    **_rules(MESSAGE, "camunda8", "correlate publish broadcast"),
    **_rules(JOBS, "camunda8", "complete_job throw_error fail_job activate"),
    **_rules(JOBS_OR_OPERATE, "camunda8", "update_job"),
    **_rules(DECIDE, "camunda8", "evaluate_decision"),
    **_rules(DEPLOY, "camunda8", "deploy"),
    **_rules(OPERATE, "camunda8", "set_variables resolve_incident cancel resolve_incidents migrate modify"),
}
CAMUNDA7: Mapping[str, Rule] = {
    **_rules(KNOWN, "camunda7", "nothing nobody count_nobody engines version"),
    **_rules(READ_NAMES, "camunda7", "list_groups get_group count_groups groups_of_user list_users get_profile "
                                     "count_users sum_of_metric tenant-list tenant-count get_tenant"),
    **_rules(READ, "camunda7", """
        decision-definition-list decision-definition-count get_decision get_decision_diagram get_decision_xml
        get_latest_decision get_latest_decision_xml decision-requirements-definition-list
        decision-requirements-definition-count get_graph get_graph_xml get_latest_graph get_latest_graph_xml
        deployment-list deployment-count get_deployment list_resources get_resource get_resource_data list_registered
        event-subscription-list event-subscription-count execution-list execution-count get_execution
        get_message_subscription external-task-list external-task-count get_external_task get_error_details list_topics
        history-activity-instance-list history-activity-instance-count get_past_activity history-decision-instance-list
        history-decision-instance-count get_decision_instance history-external-task-log-list
        history-external-task-log-count get_external_task_event get_details_of_event history-incident-list
        history-incident-count history-process-instance-list history-process-instance-count get_past_instance
        history-task-list history-task-count history-user-operation-list history-user-operation-count
        history-variable-instance-list history-variable-instance-count get_past_variable get_past_variable_data
        incident-list incident-count get_incident job-list job-count get_job get_stacktrace
        process-definition-list process-definition-count get_definition get_diagram called_definitions
        activity_statistics get_xml get_latest_definition get_latest_xml activity_statistics_of_latest
        definition_statistics process-instance-list process-instance-count get_instance activity_tree
        task-list task-count get_task get_comments get_comment get_deployed_form get_form form_variables
        get_identity_links get_rendered_form variable-instance-list variable-instance-count get_variable_instance
        get_variable_instance_data"""),
    **{rule: READ for of in ("id", "key-process_id", "key-process_id-tenant-id-tenant_id") for rule in _rules(
        READ, "camunda7", " ".join(f"process-definition-{of}-{what}" for what in (
            "deployed-start-form", "form-variables", "rendered-form", "startForm")))},
    **{rule: START for of in ("id", "key-process_id", "key-process_id-tenant-id-tenant_id") for rule in _rules(
        START, "camunda7", f"process-definition-{of}-submit-form")},
    **_rules(START, "camunda7", "start startlatest"),
    **{rule: allowed for of, allowed in (
        ("execution-of-localVariables", OPERATE), ("process-instance-of-variables", OPERATE),
        ("task-of-localVariables", TASKS), ("task-of-variables", TASKS),
    ) for rule in _rules(allowed, "camunda7", " ".join(f"{of}-{what}" for what in (
        "modify", "put", "delete", "put-data")))},
    **_rules(READ, "camunda7", " ".join(f"{of}{what}" for of in (
        "execution-of-localVariables", "process-instance-of-variables", "task-of-localVariables", "task-of-variables",
    ) for what in ("", "-get", "-data"))),
    **_rules(TASKS, "camunda7", """
        update_task assign_task claim_task add_comment complete_task delegate_task add_identity_link
        delete_identity_link resolve_task submit_form unclaim_task"""),
    **_rules(MESSAGE, "camunda7", "evaluate_conditions correlate broadcast trigger_message"),
    **_rules(JOBS, "camunda7", "throw_error complete extend_lock fail lock unlock fetch_and_lock"),
    **_rules(JOBS_OR_OPERATE, "camunda7", "set_priority set_retries"),
    **_rules(DECIDE, "camunda7", "evaluate evaluate_latest"),
    **_rules(DEPLOY, "camunda7", "deploy"),
    **_rules(OPERATE, "camunda7", """
        resolve_incident execute_job set_job_retries execute generate validate set_history_time_to_live
        delete_instance modify suspend_instance suspend_definition suspend_process suspend_any_definition"""),
    **_rules(KNOWN, "camunda7_pages", "webapps cockpit cockpit_instance cockpit_repository"),
}
OTHERS: Mapping[str, Rule] = {
    **_rules(KNOWN, "links", "operate operate_decision operate_instance operate_process tasklist tasklist_task"),
    "metrics.metrics": READ,
}

RULES: Mapping[str, Rule] = {**CONSOLE, **API, **CAMUNDA8, **CAMUNDA7, **OTHERS}
