// The list of tasks: keys, and what is typed into a form kept on the server. The form itself is a piece of its own
// (`tasks/_form.html`, form.js); what this needs of it is the id `task-form` and, where a form holds its data itself,
// the event `partitur:form-changed` with the data.
import './parts/hardened.js';
import { keepDrafts } from './parts/drafts.js';
import { listenToKeys } from './parts/task-keys.js';

// A button that cannot be pressed says why.
document.addEventListener('click', (event) => {
  const button = event.target.closest?.('[data-why]');
  if (!button) return;
  const place = button.closest('.card').querySelector('.why');
  place.textContent = button.dataset.why;
  place.hidden = false;
});

// The pane stays as it is when the list is brought up to date; it only says when its task is not what it was.
const pane = document.getElementById('task-pane');
if (pane) {
  const standing = pane.dataset.standing;
  document.addEventListener('htmx:after:swap', () => {
    const changed = document.getElementById('task-pane')?.dataset.standing !== standing;
    document.getElementById('task-changed')?.toggleAttribute('hidden', !changed);
  });
  if (pane.querySelector('.card') && new URLSearchParams(location.search).has('task') && !matchMedia('(min-width: 900px)').matches) {
    pane.scrollIntoView();
  }
}

document.querySelector('#task-tabs [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
const chosen = document.querySelector('.task-list li.chosen');
const column = document.getElementById('task-column');
if (chosen && column.scrollHeight > column.clientHeight) column.scrollTop = chosen.offsetTop - column.offsetTop;

keepDrafts();
listenToKeys();
