// Shows every time relative to now, and absolute when pointed at, in UTC or local time.
const ZONE = 'partitur-zone';
const STEPS = [[60, 'second', 1], [3600, 'minute', 60], [86400, 'hour', 3600], [86400 * 30, 'day', 86400],
  [86400 * 365, 'month', 86400 * 30], [Infinity, 'year', 86400 * 365]];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'long' });

function utc() {
  return localStorage.getItem(ZONE) !== 'local';
}

function absolute(date) {
  if (utc()) return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  const shifted = new Date(date.getTime() - date.getTimezoneOffset() * 60000);
  return `${shifted.toISOString().slice(0, 19).replace('T', ' ')} local time`;
}

function words(date) {
  const seconds = (date.getTime() - Date.now()) / 1000;
  if (Math.abs(seconds) < 3) return 'now';
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
  if (button) button.textContent = utc() ? 'Times in UTC' : 'Times in local time';
}

export function switchZone() {
  localStorage.setItem(ZONE, utc() ? 'local' : 'utc');
  showTimes();
}
