/*
 * Two tenants through @camunda8/orchestration-cluster-api, everything the same in both: nothing crosses.
 * usage: node c8_tenants.mjs ADDRESS FOLDER_OF_FIXTURES TENANT OTHER_TENANT
 */
import { fileOf, finish, soon, step, strictClient } from './steps.mjs';

const [ address, fixtures, ...tenants ] = process.argv.slice(2);
const client = strictClient(address);
const order = 'driver_c8_order', type = 'driver-charge-card';

function same(found, wanted) {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    throw new Error(`expected ${JSON.stringify(wanted)}, found ${JSON.stringify(found)}`);
  }
}

async function refused(status, action) {
  let answer;
  try {
    answer = await action();
  } catch (error) {
    return same(error.status ?? error.statusCode, status);
  }
  throw new Error(`expected ${status}, found ${JSON.stringify(answer)}`);
}

const file = fileOf(fixtures);
const activate = (more, maxJobsToActivate = 10) => client.activateJobs(
  { type, timeout: 60000, maxJobsToActivate, worker: 'tenants', requestTimeout: 5000, ...more });

const found = {};
for (const tenantId of tenants) {
  const made = await step(`deploy into ${tenantId}`, () =>
    client.createDeployment({ resources: [ file('c8-order.bpmn') ], tenantId }));
  await step(`${tenantId} has a first version of its own`, () =>
    same([ made.processes[0].processDefinitionVersion, made.tenantId ], [ 1, tenantId ]));
  const started = await step(`start in ${tenantId}`, () => client.createProcessInstance(
    { processDefinitionId: order, processDefinitionVersion: -1, tenantId, variables: { orderId: 'same', amount: 1 } }));
  same(started.tenantId, tenantId);
  found[tenantId] = started.processInstanceKey;
}
for (const tenantId of tenants) {
  await step(`search finds ${tenantId} only`, async () => {
    const { items } = await client.searchProcessInstances({ filter: { tenantId } }, soon);
    same(items.map(each => each.processInstanceKey), [ found[tenantId] ]);
  });
}
await step('a job of one tenant for who asks for it', async () => {
  const { jobs } = await activate({ tenantIds: [ tenants[0] ] });
  same(jobs.map(each => [ each.tenantId, each.processInstanceKey ]), [ [ tenants[0], found[tenants[0]] ] ]);
  await client.failJob({ jobKey: jobs[0].jobKey, retries: 1, errorMessage: 'again', retryBackOff: 0 });
});
await step('none for who asks for the default tenant', async () =>
  same((await activate({ tenantIds: [ '<default>' ], requestTimeout: -1 })).jobs, []));
await step('one of each for who asks for both', async () => {
  const { jobs } = await activate({ tenantIds: tenants }, 2);
  same(jobs.map(each => each.tenantId).sort(), [ ...tenants ].sort());
});
await step('a tenant that there is not', () => refused(404, () => client.createProcessInstance(
  { processDefinitionId: order, processDefinitionVersion: -1, tenantId: 'nobody', variables: {} })));
await step('nothing is deployed in the default tenant', () => refused(404, () => client.createProcessInstance(
  { processDefinitionId: order, processDefinitionVersion: -1, variables: {} })));
await step('tenants are listed', async () => {
  const { items } = await client.searchTenants({}, soon);
  same(items.map(each => each.tenantId).sort(), [ '<default>', ...tenants ].sort());
});
for (const tenantId of tenants) {
  await step(`clean up ${tenantId}`, () => client.cancelProcessInstance({ processInstanceKey: found[tenantId] }));
}
finish();
