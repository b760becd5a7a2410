// <camunda-form for, schema, data>: a Camunda Form, filled in here and sent with the HTML form that `for` names.
//
// for     id of the <form> with a hidden field `form-data`, which is sent
// schema  JSON: the form; data  JSON: the variables it is opened with
//
// It says `partitur:form-changed` with its data whenever somebody changes it, and takes what was kept of it before
// through its property `data`. Everything that comes from a form is untrusted: form-js shows it as text, or as HTML
// from which everything that could act was taken away.
import './parts/hardened.js';
import '@bpmn-io/form-js-viewer/dist/assets/form-js.css';
import './styles/form.css';
import { Form } from '@bpmn-io/form-js-viewer';

import flatpickr from 'flatpickr';

import { translation } from './parts/libraries.js';
import { LANGUAGE, say } from './parts/words.js';

// The calendar of date fields has no words of its own for most languages, but the browser does.
if (LANGUAGE !== 'en') {
  const named = (kind, style, days) => days.map((day) => new Intl.DateTimeFormat(LANGUAGE, { [kind]: style, timeZone: 'UTC' }).format(day));
  const months = [...Array(12).keys()].map((month) => new Date(Date.UTC(2024, month, 1)));
  const week = [...Array(7).keys()].map((day) => new Date(Date.UTC(2024, 8, day + 1)));    // begins with a Sunday
  flatpickr.localize({
    months: { longhand: named('month', 'long', months), shorthand: named('month', 'short', months) },
    weekdays: { longhand: named('weekday', 'long', week), shorthand: named('weekday', 'short', week) },
    firstDayOfWeek: 1,
  });
}

class CamundaForm extends HTMLElement {
  async connectedCallback() {
    if (this.form) return;
    this.form = new Form({ container: this, additionalModules: [translation] });
    try {
      await this.open(this.kept ? merged(this.variables, this.kept) : this.variables);
    } catch (error) {
      this.say(error);
      return;
    }
    this.form.on('changed', () => { if (this.hasAttribute('data-ready')) this.changed(); });
    for (const act of ['input', 'change', 'click', 'keydown']) {
      this.addEventListener(act, () => { this.touched = true; }, true);
    }
    this.addEventListener('submit', (event) => {
      // Enter in a field: the page's own form is sent, with everything in it.
      event.stopPropagation();
      this.target?.requestSubmit();
    });
    requestAnimationFrame(() => {
      this.said = this.kept ? '' : JSON.stringify(this.data);
      this.write();
      this.toggleAttribute('data-ready', true);
    });
  }

  get target() {
    return document.getElementById(this.getAttribute('for'));
  }

  get variables() {
    return JSON.parse(this.getAttribute('data'));
  }

  get data() {
    return this.form._getSubmitData();
  }

  set data(kept) {
    this.open(merged(this.variables, kept));
  }

  open(data) {
    return this.form.importSchema(JSON.parse(this.getAttribute('schema')), data);
  }

  changed() {
    clearTimeout(this.soon);
    this.soon = setTimeout(() => {
      // form-js says "changed" of errors too.
      const data = JSON.stringify(this.data);
      if (data === this.said) return;
      this.said = data;
      this.write();
      // What form-js computes by itself, as it opens and after, is no change of anybody.
      if (!this.touched) return;
      this.dispatchEvent(new CustomEvent('partitur:form-changed', { bubbles: true, detail: { data: this.data } }));
    }, 200);
  }

  write() {
    const field = this.target?.elements['form-data'];
    if (field) field.value = JSON.stringify(this.data);
  }

  // Whether everything is as the form wants it; if not, the first trouble gets the focus.
  check() {
    const { errors } = this.form.submit();
    this.write();
    if (Object.keys(errors).length === 0) return true;
    this.focusTrouble();
    return false;
  }

  showErrors(errors) {
    this.form._setState({ errors });
    this.focusTrouble();
  }

  focusTrouble() {
    requestAnimationFrame(() => this.querySelector('.fjs-has-errors :is(input, textarea, select)')?.focus());
  }

  say(error) {
    const box = document.createElement('p');
    box.className = 'trouble';
    box.textContent = say('This form cannot be shown: %(message)s.', { message: error.message });
    this.replaceChildren(box);
  }
}

function merged(below, above) {
  if (!isObject(below) || !isObject(above)) return above;
  // Names are what people chose: none of them may be one that every object has.
  const named = new Map(Object.entries(below));
  for (const [name, value] of Object.entries(above)) named.set(name, merged(named.get(name), value));
  return Object.fromEntries(named);
}

function isObject(value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function formOf(target) {
  return target.id ? document.querySelector(`camunda-form[for="${CSS.escape(target.id)}"]`) : null;
}

// Before anything else hears of it: what the form refuses is not sent.
window.addEventListener('submit', (event) => {
  const form = formOf(event.target);
  if (!form || form.check()) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

document.addEventListener('htmx:after:swap', () => {
  for (const found of document.querySelectorAll('[data-field-errors]')) {
    const form = formOf(found.closest('form'));
    form?.showErrors(JSON.parse(found.dataset.fieldErrors));
    delete found.dataset.fieldErrors;
  }
});

customElements.define('camunda-form', CamundaForm);
