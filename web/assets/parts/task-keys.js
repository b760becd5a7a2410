// Keys for the list of tasks. Single letters do nothing while somebody types or a dialog is open, and can be turned off.
const OFF = 'partitur-task-keys-off';

const items = () => [...document.querySelectorAll('.task-item')];

function move(step) {
  const all = items();
  if (!all.length) return;
  const focused = document.activeElement?.closest?.('.task-list li')?.querySelector('.task-item');
  const here = all.indexOf(focused ?? document.querySelector('.task-item[aria-current]'));
  const next = here < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(here + step, 0), all.length - 1);
  // The first key lands on the chosen task itself, if it is not there yet.
  const target = !focused && here >= 0 ? all[here] : all[next];
  target.focus();
  target.scrollIntoView({ block: 'nearest' });
}

function claim() {
  const row = document.activeElement?.closest?.('.task-list li');
  const button = (row ?? document.getElementById('task-pane') ?? document).querySelector('[data-key="c"]')
    ?? (row ? null : document.querySelector('[data-key="c"]'));
  const elsewhere = row && !button && row.classList.contains('chosen')
    ? document.querySelector('#task-pane [data-key="c"], #task-pane [data-why]') : null;
  (button ?? elsewhere)?.click();
}

const KEYS = {
  j: () => move(1),
  ArrowDown: () => move(1),
  k: () => move(-1),
  ArrowUp: () => move(-1),
  c: claim,
  f: () => document.querySelector(':is(#task-form, camunda-form) :is(input:not([type=hidden]), select, textarea, button)')?.focus(),
  '/': () => document.getElementById('t-q')?.focus(),
  '?': () => document.getElementById('task-keys')?.showModal(),
};

function typing(element) {
  return element?.matches?.('input, textarea, select, [contenteditable], [contenteditable] *');
}

export function listenToKeys() {
  const on = document.getElementById('task-keys-on');
  if (on) {
    on.checked = localStorage.getItem(OFF) !== 'yes';
    on.addEventListener('change', () => localStorage.setItem(OFF, on.checked ? 'no' : 'yes'));
  }
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing || document.querySelector('dialog[open]')) return;
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      const form = document.getElementById('task-form');
      if (!form) return;
      event.preventDefault();
      form.requestSubmit();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (localStorage.getItem(OFF) === 'yes' && event.key.length === 1) return;
    // Arrows scroll the page, unless somebody walks through the list.
    if (event.key.startsWith('Arrow') && !event.target.closest?.('.task-list')) return;
    const act = KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
