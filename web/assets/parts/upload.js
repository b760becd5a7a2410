// Lists the files that were chosen or dropped, before they are sent.
export function showChosenFiles(input) {
  const form = input.form;
  const list = form.querySelector('[data-files]');
  list.replaceChildren(...[...input.files].map((file) => {
    const item = document.createElement('li');
    item.textContent = `${file.name} · ${Math.max(1, Math.round(file.size / 1024))} kB`;
    return item;
  }));
  for (const button of form.querySelectorAll('button[type="submit"]')) button.disabled = input.files.length === 0;
}
