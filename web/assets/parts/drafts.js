// Keeps what is typed into the form of a task on the server, and puts it back when the page is opened again.
import { say } from './words.js';

const PAUSE = 700;
const ZONE = 'partitur-zone';
const NOT_TYPED = /^(csrf_token|list|back|type-.*|seen-.*)$/;

export function keepDrafts() {
  const place = document.getElementById('draft');
  const form = document.getElementById('task-form');
  if (!place || !form) return;
  const { content, seen } = JSON.parse(document.getElementById('draft-data').textContent);
  const typed = new Set(Object.keys(content?.fields ?? {}));
  const note = place.querySelector('[data-kept]');
  let data = content?.data ?? null;
  let timer = 0;
  let over = false;

  restore(form, content);
  showKept(note);

  const changed = () => {
    clearTimeout(timer);
    timer = setTimeout(keep, PAUSE);
  };

  form.addEventListener('input', (event) => {
    const { name } = event.target;
    if (!name || NOT_TYPED.test(name) || event.target.closest('camunda-form')) return;
    typed.add(name);
    changed();
  });
  document.addEventListener('partitur:form-changed', (event) => {
    data = event.detail?.data ?? event.detail ?? null;
    changed();
  });

  function keep(leaving = false) {
    clearTimeout(timer);
    timer = 0;
    if (over) return;
    const body = new FormData();
    body.set('csrf_token', form.querySelector('[name=csrf_token]').value);
    body.set('content', JSON.stringify({ fields: fieldsOf(form, typed), ...(data ? { data } : {}) }));
    body.set('seen', JSON.stringify(seen));
    fetch(place.dataset.url, { method: 'POST', body, keepalive: leaving, headers: { 'HX-Request': 'true' } })
      .then((response) => (response.ok ? response.json() : Promise.reject(new Error(String(response.status)))))
      .then(({ kept_at: at }) => { note.dataset.kept = at; showKept(note); })
      .catch(() => {
        note.textContent = say('What you typed could not be kept on the server. It is still here.');
        note.parentElement.hidden = false;
      });
  }

  // A completed task needs no draft; one that was refused goes on being kept with the next key.
  form.addEventListener('submit', () => { clearTimeout(timer); over = true; });
  form.addEventListener('input', () => { over = false; }, true);
  document.addEventListener('partitur:form-changed', () => { over = false; }, true);
  document.getElementById('draft-removal')?.addEventListener('submit', () => { clearTimeout(timer); timer = 0; });
  window.addEventListener('pagehide', () => { if (timer) keep(true); });
}

function fieldsOf(form, typed) {
  const fields = {};
  for (const name of typed) {
    const found = [...form.elements].filter((element) => element.name === name);
    if (!found.length) continue;
    const checked = found.filter((element) => element.type !== 'checkbox' && element.type !== 'radio' ? true : element.checked);
    fields[name] = checked.map((element) => element.value);
  }
  return fields;
}

function restore(form, content) {
  for (const [name, values] of Object.entries(content?.fields ?? {})) {
    for (const element of [...form.elements].filter((each) => each.name === name)) {
      if (element.type === 'checkbox' || element.type === 'radio') element.checked = values.includes(element.value);
      else if (values.length) element.value = values[0];
    }
  }
  // A Camunda Form holds its data itself.
  if (content?.data) form.dispatchEvent(new CustomEvent('partitur:restore', { bubbles: true, detail: { data: content.data } }));
}

function showKept(note) {
  if (!note.dataset.kept) return;
  const date = new Date(note.dataset.kept);
  const shown = localStorage.getItem(ZONE) === 'local'
    ? new Date(date.getTime() - date.getTimezoneOffset() * 60000) : date;
  const today = date.toDateString() === new Date().toDateString();
  const text = shown.toISOString();
  note.textContent = say('Draft kept %(when)s', { when: `${today ? '' : `${text.slice(0, 10)} `}${text.slice(11, 16)}` });
  note.parentElement.hidden = false;
}
