import { showPreview } from './preview.js';

// Opens the dialog that a button names, filled with what the button carries:
// data-set-NAME="value" goes into the form field NAME, data-action is where the form goes.
export function openDialog(button) {
  const dialog = document.getElementById(button.dataset.dialog);
  const form = dialog.querySelector('form');
  if (button.dataset.action) {
    form.setAttribute('action', button.dataset.action);
    form.setAttribute('hx-post', button.dataset.action);
  }
  for (const { name, value } of button.attributes) {
    if (!name.startsWith('data-set-')) continue;
    const field = form.elements.namedItem(name.slice('data-set-'.length));
    if (field) field.value = value;
  }
  for (const box of form.querySelectorAll('input[type=checkbox]')) box.checked = box.defaultChecked;
  const title = dialog.querySelector('[data-subject]');
  if (title) title.textContent = button.dataset.subject ?? '';
  dialog.querySelector('.form-error')?.replaceChildren();
  dialog.showModal();
  showPreview(dialog, button.dataset.asks ? `&${button.dataset.asks}` : '');
}
