/*
 * What the drivers of Camunda's TypeScript client share: steps that are counted, and the first failure ends the run.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import createCamundaClient from '@camunda8/orchestration-cluster-api';

export const soon = { consistency: { waitUpToMs: 5000, pollIntervalMs: 100 } };

let passed = 0, failed = 0;

/** A client that checks every request and every answer against the specification. */
export function strictClient(address) {
  return createCamundaClient({ config: {
    CAMUNDA_REST_ADDRESS: address, CAMUNDA_SDK_VALIDATION: 'req:strict,res:strict', CAMUNDA_SDK_LOG_LEVEL: 'silent',
  } });
}

export async function step(name, action) {
  try {
    const value = await action();
    passed++;
    console.log(`PASS  ${name}`);
    return value;
  } catch (error) {
    failed++;
    console.log(`FAIL  ${name}  ${error.message} ${JSON.stringify(error.issues ?? '')}`.slice(0, 800));
    return finish();
  }
}

export function finish() {
  console.log(`== ${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
}

/** Reads a file of a folder as something that can be deployed. */
export const fileOf = folder => name => new File([ readFileSync(join(folder, name)) ], name);
