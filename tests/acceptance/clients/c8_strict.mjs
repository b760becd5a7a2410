/*
 * Camunda's TypeScript client @camunda8/orchestration-cluster-api with its own validation of every answer switched on.
 * usage: node c8_strict.mjs ADDRESS FOLDER_OF_FIXTURES
 */
import { fileOf, finish, soon, step, strictClient } from './steps.mjs';

const [ address, fixtures ] = process.argv.slice(2);
const client = strictClient(address);
const order = 'driver_c8_order', events = 'driver_c8_events';

const file = fileOf(fixtures);
const start = (processDefinitionId, variables, more = {}) =>
  client.createProcessInstance({ processDefinitionId, processDefinitionVersion: -1, variables, ...more });
const activate = async type =>
  (await client.activateJobs({ type, timeout: 20000, maxJobsToActivate: 1, worker: 'strict', requestTimeout: -1 })).jobs[0];
const work = (jobType, jobHandler) => new Promise((resolve, reject) => {
  const timer = setTimeout(() => reject(new Error(`no job of type ${jobType}`)), 15000);
  const worker = client.createJobWorker({
    jobType, jobTimeoutMs: 20000, maxParallelJobs: 5, workerName: 'strict',
    jobHandler: async job => {
      const receipt = await jobHandler(job);
      clearTimeout(timer);
      setTimeout(() => { worker.stop(); resolve(job); }, 100);
      return receipt;
    },
  });
});

await step('topology', () => client.getTopology());
await step('license', () => client.getLicense());
await step('status', () => client.getStatus());
await step('who am I', () => client.getAuthentication());
await step('deploy', () => client.createDeployment({ resources: [ file('c8-order.bpmn'), file('c8-events.bpmn') ] }));

const { processInstanceKey } = await step('start', () =>
  start(order, { orderId: 'strict-1' }, { tags: [ 'strict' ], businessId: 'strict-1' }));
await step('worker', () => work('driver-charge-card', job => job.complete({ charged: true })));
for (const search of [ 'searchProcessInstances', 'searchElementInstances', 'searchVariables', 'searchUserTasks', 'searchJobs' ]) {
  await step(search, () => client[search]({ filter: { processInstanceKey }, page: { limit: 2 } }, soon));
}
await step('searchProcessDefinitions', () => client.searchProcessDefinitions({}, soon));
await step('instance', () => client.getProcessInstance({ processInstanceKey }, soon));
await step('statistics', () => client.getProcessInstanceStatistics({ processInstanceKey }, soon));
await step('sequence flows', () => client.getProcessInstanceSequenceFlows({ processInstanceKey }, soon));
await step('call hierarchy', () => client.getProcessInstanceCallHierarchy({ processInstanceKey }, soon));

const { userTaskKey } = (await client.searchUserTasks({ filter: { processInstanceKey, state: 'CREATED' } }, soon)).items[0];
await step('user task', () => client.getUserTask({ userTaskKey }, soon));
await step('assign', () => client.assignUserTask({ userTaskKey, assignee: 'ada', allowOverride: true }));
await step('unassign', () => client.unassignUserTask({ userTaskKey }));
await step('update', () => client.updateUserTask({ userTaskKey, changeset: { priority: 70 } }));
await step('variables of the task', () => client.searchUserTaskVariables({ userTaskKey }, soon));
await step('complete the task', () => client.completeUserTask({ userTaskKey, variables: { approved: true } }));

const broken = await step('start events', () => start(events, { orderId: 'strict-2' }));
const job = await step('activate', () => activate('driver-flaky-work'));
await step('extend the lock', () => client.updateJob({ jobKey: job.jobKey, changeset: { timeout: 30000 } }));
await step('fail', () => client.failJob({ jobKey: job.jobKey, retries: 0, errorMessage: 'boom' }));
const ofInstance = { filter: { processInstanceKey: broken.processInstanceKey } };
const { incidentKey } = (await step('searchIncidents', () => client.searchIncidents(ofInstance, soon))).items[0];
await step('incidents of the instance', () =>
  client.searchProcessInstanceIncidents({ processInstanceKey: broken.processInstanceKey }, soon));
await step('incident', () => client.getIncident({ incidentKey }, soon));
await step('set retries', () => client.updateJob({ jobKey: job.jobKey, changeset: { retries: 2 } }));
await step('resolve', () => client.resolveIncident({ incidentKey }));
const again = await step('activate again', () => activate('driver-flaky-work'));
await step('BPMN error', () => client.throwJobError({ jobKey: again.jobKey, errorCode: 'CARD_DECLINED' }));
await step('searchMessageSubscriptions', () => client.searchMessageSubscriptions(ofInstance, soon));
await step('correlate', () => client.correlateMessage({ name: 'driver-payment', correlationKey: 'strict-2' }));
await step('publish', () => client.publishMessage({ name: 'driver-payment', correlationKey: 'nobody', timeToLive: 1000 }));
await step('signal', () => client.broadcastSignal({ signalName: 'driver-go' }));
await step('cancel', async () => client.cancelProcessInstance(await start(events, { orderId: 'strict-3' })));
await step('404', async () => {
  const error = await client.getProcessInstance({ processInstanceKey: '1' }, { consistency: { waitUpToMs: 0 } })
    .then(() => null, problem => problem);
  if (error?.status !== 404) throw new Error(`Expected a problem with status 404, but got ${error?.status}.`);
});
finish();
