// Shows every time relative to now, and absolute when pointed at, in UTC or local time.
import { LANGUAGE, say } from './words.js';

const ZONE = 'partitur-zone';
const STEPS = [[60, 'second', 1], [3600, 'minute', 60], [86400, 'hour', 3600], [86400 * 30, 'day', 86400],
  [86400 * 365, 'month', 86400 * 30], [Infinity, 'year', 86400 * 365]];
const relative = new Intl.RelativeTimeFormat(LANGUAGE, { numeric: 'auto', style: 'long' });

function utc() {
  return localStorage.getItem(ZONE) !== 'local';
}

// English has its times as ISO 8601 writes them, as the server does; other languages as they are used to.
function absolute(date) {
  if (LANGUAGE !== 'en') {
    const text = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: 'medium', timeStyle: 'medium', ...(utc() ? { timeZone: 'UTC' } : {}) }).format(date);
    return utc() ? `${text} UTC` : say('%(time)s local time', { time: text });
  }
  if (utc()) return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  const shifted = new Date(date.getTime() - date.getTimezoneOffset() * 60000);
  return say('%(time)s local time', { time: shifted.toISOString().slice(0, 19).replace('T', ' ') });
}

function words(date) {
  const seconds = (date.getTime() - Date.now()) / 1000;
  if (Math.abs(seconds) < 3) return say('now');
  const [, unit, size] = STEPS.find(([limit]) => Math.abs(seconds) < limit);
  return relative.format(Math.trunc(seconds / size), unit);
}

export function showTimes() {
  const asOf = document.getElementById('live')?.dataset.asOf;
  if (asOf) document.querySelector('#as-of time').dateTime = asOf;
  for (const element of document.querySelectorAll('time[datetime]')) {
    const date = new Date(element.dateTime);
    element.title = absolute(date);
    element.textContent = element.hasAttribute('data-absolute') ? absolute(date) : words(date);
  }
  const button = document.getElementById('zone-switch');
  if (button) button.textContent = utc() ? say('Times in UTC') : say('Times in local time');
}

export function switchZone() {
  localStorage.setItem(ZONE, utc() ? 'local' : 'utc');
  showTimes();
}
