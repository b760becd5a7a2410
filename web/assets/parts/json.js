// Says at once, beside the field, when a JSON text cannot be read.
export function checkJson(area) {
  let trouble = '';
  if (area.value.trim()) {
    try {
      JSON.parse(area.value);
    } catch (error) {
      trouble = `This is not valid JSON: ${error.message}.`;
    }
  }
  area.setCustomValidity(trouble);
  area.toggleAttribute('aria-invalid', false);
  if (trouble) area.setAttribute('aria-invalid', 'true');
  const note = area.parentElement.querySelector('.json-note');
  if (note) note.textContent = trouble;
}
