// Reads element templates as JSON from standard input and writes what Camunda's validator finds wrong with each.
import { readFileSync } from 'node:fs';
import { validate, validateZeebe } from '@bpmn-io/element-templates-validator';

const templates = JSON.parse(readFileSync(0, 'utf8'));
const found = templates.map((template) => {
  const check = template.$schema.includes('zeebe') ? validateZeebe : validate;
  const { errors } = check(template);
  return (errors || []).map((error) => `${template.id}: ${error.dataPath ?? ''} ${error.message}`);
});
console.log(JSON.stringify(found));
