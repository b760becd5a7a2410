// Keeps a page current by asking for it again and changing only what differs.
import { somethingTicked } from './bulk.js';
import { say } from './words.js';

const PAUSED = 'partitur-paused';

function paused() {
  return localStorage.getItem(PAUSED) === 'yes';
}

function busy() {
  // Nobody wants a page to move under an open dialog or a half-filled field.
  const focused = document.activeElement;
  return document.hidden || document.querySelector('dialog[open]') !== null || somethingTicked()
    || (focused?.closest('#live') && focused.matches('input:not([type="range"]), textarea, select'));
}

function show(button) {
  button.setAttribute('aria-pressed', String(paused()));
  button.title = paused() ? say('Live updates are paused. Click to go on.') : say('This page updates itself. Click to pause.');
  button.querySelector('.sr-only').textContent = paused() ? say('Resume live updates') : say('Pause live updates');
  button.querySelector('[data-icon="pause"]').toggleAttribute('hidden', paused());
  button.querySelector('[data-icon="play"]').toggleAttribute('hidden', !paused());
}

export function startLive(htmx) {
  const button = document.getElementById('live-switch');
  if (!button) return;
  show(button);
  // A page may begin to be live, or cease to, without being loaded anew: a moment of the past does not change.
  const every = () => Number(document.getElementById('live')?.dataset.every ?? 0) * 1000;
  button.hidden = !every();
  button.addEventListener('click', () => {
    localStorage.setItem(PAUSED, paused() ? 'no' : 'yes');
    show(button);
  });
  let last = Date.now();
  setInterval(() => {
    button.hidden = !every();
    if (!every() || paused() || busy() || Date.now() - last < every()) return;
    last = Date.now();
    htmx.ajax('GET', window.location.pathname + window.location.search,
      { target: '#live', select: '#live', swap: 'outerMorph' });
  }, 500);
}
