/*
 * Two tenants through camunda-external-task-client-js, everything the same in both: each worker gets its own.
 * usage: node c7_tenants.mjs ADDRESS_OF_ENGINE_REST FOLDER_OF_FIXTURES TENANT OTHER_TENANT
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Client } from 'camunda-external-task-client-js';

const [ baseUrl, fixtures, ...tenants ] = process.argv.slice(2);
const topic = 'driver-charge-card', order = 'driver_c7_order', name = 'c7-order.bpmn';
let passed = 0;

function check(what, found, wanted) {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    console.log(`FAIL  ${what}  expected ${JSON.stringify(wanted)}, found ${JSON.stringify(found)}`);
    console.log(`== ${passed} passed, 1 failed`);
    process.exit(1);
  }
  passed++;
  console.log(`PASS  ${what}`);
}

async function rest(method, path, body) {
  const form = body instanceof FormData;
  const answer = await fetch(baseUrl + path, {
    method, headers: body && !form ? { 'content-type': 'application/json' } : {}, body: body && !form ? JSON.stringify(body) : body,
  });
  return answer.json();
}

/* What a worker of a tenant gets first. */
const first = options => new Promise((resolve, reject) => {
  const client = new Client({ baseUrl, workerId: 'tenants', maxTasks: 5, interval: 100, asyncResponseTimeout: 5000, lockDuration: 60000 });
  client.on('poll:error', reject);
  client.subscribe(topic, options, ({ task }) => {
    client.stop();
    resolve(task);
  });
});

for (const tenant of tenants) {
  const form = new FormData();
  form.append('deployment-name', name);
  form.append('tenant-id', tenant);
  form.append(name, new Blob([ readFileSync(join(fixtures, name)) ], { type: 'text/xml' }), name);
  const made = await rest('POST', '/deployment/create', form);
  check(`deploy into ${tenant}`, made.tenantId, tenant);
}
const started = {};
for (const tenant of [ ...tenants ].reverse()) {
  const made = await rest('POST', `/process-definition/key/${order}/tenant-id/${tenant}/start`,
    { businessKey: 'same', variables: { orderId: { value: 'same' }, amount: { value: 1 } } });
  check(`start in ${tenant}`, made.tenantId, tenant);
  started[tenant] = made.id;
}
for (const tenant of tenants) {
  const task = await first({ tenantIdIn: [ tenant ] });
  check(`the worker of ${tenant} gets its task`, [ task.tenantId, task.processInstanceId ], [ tenant, started[tenant] ]);
}
check('the tasks of a list are of one tenant', (await rest('GET', `/external-task?tenantIdIn=${tenants[0]}`)).map(each => each.processInstanceId),
  [ started[tenants[0]] ]);
check('tenants are listed', (await rest('GET', '/tenant')).map(each => each.id).sort(), [ ...tenants ].sort());
console.log(`== ${passed} passed, 0 failed`);
process.exit(0);
