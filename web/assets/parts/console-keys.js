// Keys of every page: `/` goes to the search, `?` shows what keys there are. The list of tasks has its own beside them.
// Single characters can be turned off (WCAG 2.1.4), and do nothing while somebody types.
const OFF = 'partitur-keys-off';

const KEYS = {
  '/': () => document.querySelector('.top .find input')?.focus(),
  '?': () => document.getElementById('keys')?.showModal(),
};

function typing(element) {
  return element?.matches?.('input, textarea, select, [contenteditable], [contenteditable] *');
}

export function listenToConsoleKeys() {
  const on = document.getElementById('keys-on');
  if (on) {
    on.checked = localStorage.getItem(OFF) !== 'yes';
    on.addEventListener('change', () => localStorage.setItem(OFF, on.checked ? 'no' : 'yes'));
  }
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing(event.target) || document.querySelector('dialog[open], #task-keys')) return;
    const act = localStorage.getItem(OFF) === 'yes' ? null : KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
