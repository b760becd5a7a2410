// Keeps a page current by asking for it again and changing only what differs.
const PAUSED = 'partitur-paused';

function paused() {
  return localStorage.getItem(PAUSED) === 'yes';
}

function busy() {
  // Nobody wants a page to move under an open dialog or a half-filled field.
  const focused = document.activeElement;
  return document.hidden || document.querySelector('dialog[open]') !== null
    || (focused?.closest('#live') && focused.matches('input, textarea, select'));
}

function show(button) {
  button.setAttribute('aria-pressed', String(paused()));
  button.title = paused() ? 'Live updates are paused. Click to go on.' : 'This page updates itself. Click to pause.';
  button.querySelector('.sr-only').textContent = paused() ? 'Resume live updates' : 'Pause live updates';
  button.querySelector('[data-icon="pause"]').toggleAttribute('hidden', paused());
  button.querySelector('[data-icon="play"]').toggleAttribute('hidden', !paused());
}

export function startLive(htmx) {
  const button = document.getElementById('live-switch');
  const live = document.getElementById('live');
  if (!button || !live?.dataset.every) return;
  show(button);
  button.hidden = false;
  button.addEventListener('click', () => {
    localStorage.setItem(PAUSED, paused() ? 'no' : 'yes');
    show(button);
  });
  setInterval(() => {
    if (!paused() && !busy()) htmx.trigger(document.getElementById('live'), 'refresh');
  }, Number(live.dataset.every) * 1000);
}
