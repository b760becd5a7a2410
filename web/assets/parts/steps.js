// Goes through the past of an instance: by the slider, and by the arrow keys while a past moment is shown.
export function stepTo(htmx, slider) {
  const address = slider.dataset.address.replace('__STEP__', slider.value);
  htmx.ajax('GET', address, { target: '#live', select: '#live', swap: 'outerMorph', push: 'true' });
}

const RELS = { ArrowLeft: 'prev', ArrowRight: 'next' };

export function stepByKey(event) {
  const rel = RELS[event.key];
  if (!rel || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (document.querySelector('dialog[open]')) return;
  const stepper = document.getElementById('stepper');
  // Elsewhere arrows scroll, move a text cursor, or the slider itself.
  const free = event.target === document.body || event.target.id === 'main' || stepper?.contains(event.target);
  if (!stepper || !free || event.target.id === 'step' || !new URLSearchParams(window.location.search).has('at')) return;
  event.preventDefault();
  stepper.querySelector(`a[rel="${rel}"]`)?.click();
}

// Decision tables need a library that no other tab of an instance does: it is loaded when there is one.
export function showDecisions() {
  if (document.querySelector('dmn-decision')) import('../decision.js');
}
