// The form above a list: filters that appear when they are wanted, and an address that says no more than it must.

// Shows the first hidden field of the filter that a menu names.
export function reveal(button) {
  const hidden = `[data-filter="${button.dataset.filter}"]:is(.field, fieldset)`;
  const fields = [...document.querySelectorAll(hidden)];
  const field = fields.find((each) => each.hidden) ?? fields.at(-1);
  button.closest('details').open = false;
  if (!field) return;
  field.hidden = false;
  field.querySelector('input, select').focus();
}

// The form names the element that was chosen on the diagram.
export function follow(id) {
  const field = document.querySelector('#instance-filter [name="element"]');
  if (!field) return;
  field.value = id;
  field.closest('.field').hidden = id === '';
}

// Empty filters would only make the address longer, and so would what is usual.
export function prune(event) {
  if (event.target.method !== 'get') return;
  const data = event.formData;
  for (const [name, value] of [...data.entries()]) {
    if (value === '') data.delete(name);
  }
  for (const { dataset } of event.target.querySelectorAll('fieldset[data-usual]')) {
    if (data.getAll('column').join(',') === dataset.usual) data.delete('column');
  }
}

// One menu at a time, and none that stays open behind one's back.
document.addEventListener('click', (event) => {
  for (const menu of document.querySelectorAll('details.menu[open]')) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  for (const menu of document.querySelectorAll('details.menu[open]')) {
    menu.open = false;
    menu.querySelector('summary').focus();
  }
});
