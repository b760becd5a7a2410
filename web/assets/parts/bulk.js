// The check-boxes of a list and the bar above it: what is ticked is what is meant, else all that the list has.
function boxes() {
  return [...document.querySelectorAll('input[name="chosen"]')];
}

function show() {
  const bar = document.getElementById('bulk');
  if (!bar) return;
  const all = boxes();
  const count = all.filter((box) => box.checked).length;
  const which = bar.elements.namedItem('of');
  const chosen = which.options[0];
  chosen.textContent = (count === 1 ? chosen.dataset.one : chosen.dataset.many).replace('#', String(count));
  chosen.disabled = count === 0;
  which.value = count === 0 ? 'all' : 'chosen';
  const head = document.querySelector('[data-tick-all]');
  if (head) {
    head.checked = count > 0 && count === all.length;
    head.indeterminate = count > 0 && count < all.length;
  }
}

export function somethingTicked() {
  return boxes().some((box) => box.checked);
}

export function watchTicks() {
  document.addEventListener('change', (event) => {
    if (event.target.matches('[data-tick-all]')) {
      for (const box of boxes()) box.checked = event.target.checked;
    }
    if (event.target.matches('[data-tick-all], input[name="chosen"]')) show();
  });
  document.addEventListener('htmx:after:swap', show);
  show();
}
