// What every page of the console needs. The diagram has its own bundle, loaded only where there is one.
import './parts/hardened.js';
import './console.css';
import htmx from 'htmx.org';

import { showForms } from './parts/camunda-forms.js';
import { watchTicks } from './parts/bulk.js';
import { watchConnection } from './parts/connection.js';
import { listenToConsoleKeys } from './parts/console-keys.js';
import { copyFrom } from './parts/copy.js';
import { openDialog } from './parts/dialogs.js';
import { fillIn } from './parts/choosing.js';
import { checkJson } from './parts/json.js';
import { startLive } from './parts/live.js';
import { showDecisions, stepTo, stepByKey } from './parts/steps.js';
import { showTimes, switchZone } from './parts/times.js';
import { follow, prune, reveal } from './parts/filters.js';
import { dismiss, raise } from './parts/toasts.js';
import { switchTheme } from './parts/theme.js';
import { showChosenFiles } from './parts/upload.js';

const CLICKS = {
  copy: copyFrom,
  dialog: openDialog,
  'close-dialog': (button) => button.closest('dialog').close(),
  dismiss,
  theme: switchTheme,
  zone: switchZone,
  reveal,
  mark: (button) => document.querySelector(button.dataset.mark)?.show(button.dataset.element),
};

document.addEventListener('click', (event) => {
  const button = event.target.closest?.('[data-click]');
  if (button) CLICKS[button.dataset.click]?.(button, event);
});

document.addEventListener('input', (event) => {
  if (event.target.matches('textarea.json')) checkJson(event.target);
});

// An element chosen on the diagram changes only what differs, so the diagram stays as it was zoomed and moved.
document.addEventListener('choose', (event) => {
  event.preventDefault();
  // Some diagrams only help to fill in a form.
  if (event.target.dataset.field) return fillIn(event.target, event.detail.id);
  follow(event.detail.id);
  htmx.ajax('GET', event.detail.link, { target: '#live', select: '#live', swap: 'outerMorph', push: 'true' });
});

document.addEventListener('keydown', stepByKey);

document.addEventListener('change', (event) => {
  if (event.target.id === 'step') stepTo(htmx, event.target);
  if (event.target.matches('.drop input')) showChosenFiles(event.target);
  if (event.target.closest('form[data-auto-submit]')) event.target.form.requestSubmit();
});

document.addEventListener('formdata', prune);

for (const name of ['dragover', 'dragleave', 'drop']) {
  document.addEventListener(name, (event) => {
    event.target.closest?.('.drop')?.classList.toggle('over', name === 'dragover');
  });
}

document.addEventListener('htmx:after:swap', () => {
  showTimes();
  raise();
  showForms();
  showDecisions();
});

showTimes();
raise();
showForms();
showDecisions();
// On a phone the navigation is wider than the screen: where one is shall be seen.
document.querySelector('.nav [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
watchConnection();
listenToConsoleKeys();
watchTicks();
startLive(htmx);
