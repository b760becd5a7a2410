// What a dialog's action would change is asked for when the dialog opens: the server tries it and takes it back.
export async function showPreview(dialog, more = '') {
  const place = dialog.querySelector('[data-preview]');
  if (!place) return;
  place.textContent = place.dataset.wait;
  try {
    const answer = await fetch(place.dataset.preview + more, { headers: { 'HX-Request': 'true' } });
    const parsed = new DOMParser().parseFromString(await answer.text(), 'text/html');
    place.replaceChildren(...parsed.body.childNodes);
  } catch {
    place.textContent = place.dataset.lost;
  }
}
