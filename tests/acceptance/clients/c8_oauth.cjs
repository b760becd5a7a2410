'use strict';
/*
 * Camunda 8 REST v2 through @camunda8/sdk, logged in as an OAuth client.
 * usage: node c8_oauth.cjs BASE_URL CLIENT_ID CLIENT_SECRET PROCESS_ID JOB_TYPE
 */
const { Camunda8 } = require('@camunda8/sdk');

const [base, id, secret, processId, type] = process.argv.slice(2);
const connect = clientSecret => new Camunda8({
  ZEEBE_REST_ADDRESS: base, CAMUNDA_LOG_LEVEL: 'none', CAMUNDA_AUTH_STRATEGY: 'OAUTH',
  CAMUNDA_OAUTH_URL: `${base}/oauth/token`, CAMUNDA_TOKEN_DISK_CACHE_DISABLE: true,
  CAMUNDA_ZEEBE_OAUTH_AUDIENCE: 'zeebe-api', ZEEBE_CLIENT_ID: id, ZEEBE_CLIENT_SECRET: clientSecret,
}).getCamundaRestClient();

let passed = 0;
let failed = 0;
const report = (ok, step, why = '') => {
  console.log(`${ok ? 'PASS' : 'FAIL'}  ${step} ${why}`);
  ok ? passed++ : failed++;
};

const work = (client, variables) => new Promise((resolve, reject) => {
  const worker = client.createJobWorker({
    type, worker: 'oauth', maxJobsToActivate: 1, timeout: 20000, requestTimeout: 5000, pollIntervalMs: 100,
    jobHandler: async job => {
      const done = await job.complete(variables);
      resolve(job);
      setImmediate(() => worker.stop());
      return done;
    },
  });
  setTimeout(() => reject(new Error('no job came')), 30000).unref();
});

(async () => {
  const client = connect(secret);
  const topology = await client.getTopology();
  report(topology.brokers.length === 1, 'topology');
  const started = await client.createProcessInstance({ processDefinitionId: processId, variables: {} });
  report(/^\d+$/.test(started.processInstanceKey), 'start');
  const job = await work(client, { paid: true });
  report(String(job.processInstanceKey) === String(started.processInstanceKey), 'worker');
  try {
    await connect('wrong').getTopology();
    report(false, 'a wrong secret', 'came in');
  } catch (error) {
    report(true, 'a wrong secret is refused');
  }
})().catch(error => report(false, 'unexpected', error.stack)).finally(() => {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
});
