// Says at once, beside the field, when a JSON text cannot be read.
import { say } from './words.js';

export function checkJson(area) {
  let trouble = '';
  if (area.value.trim()) {
    try {
      JSON.parse(area.value);
    } catch (error) {
      trouble = say('This is not valid JSON: %(message)s.', { message: error.message });
    }
  }
  area.setCustomValidity(trouble);
  area.toggleAttribute('aria-invalid', false);
  if (trouble) area.setAttribute('aria-invalid', 'true');
  const note = area.parentElement.querySelector('.json-note');
  if (note) note.textContent = trouble;
}
