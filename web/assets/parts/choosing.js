// A click on a diagram that belongs to a form chooses an element in the form's field.
export function fillIn(diagram, id) {
  const field = document.querySelector(diagram.dataset.field);
  if (![...field.options].some((option) => option.value === id)) return;
  field.value = id;
  diagram.setAttribute('selected', id);
  field.dispatchEvent(new Event('change', { bubbles: true }));
}
