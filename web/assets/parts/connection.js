// Says when the page could not be brought up to date, and when a form did not get through.
import { say } from './words.js';

function isRefresh(context) {
  return context.select === '#live';
}

function tellStale(stale) {
  document.getElementById('stale').hidden = !stale;
}

export function watchConnection() {
  document.addEventListener('htmx:before:response', (event) => {
    const context = event.detail.ctx;
    if (!isRefresh(context)) return;
    const failed = context.response.status >= 400;
    // An error page must not take the place of what is on screen.
    if (failed) event.preventDefault();
    tellStale(failed);
  });
  document.addEventListener('htmx:error', (event) => {
    const context = event.detail?.ctx;
    if (!context) return;
    if (isRefresh(context)) {
      tellStale(true);
    } else {
      context.target?.replaceChildren?.(say('The server cannot be reached. Load the page again to see what is the case.'));
    }
  });
}
