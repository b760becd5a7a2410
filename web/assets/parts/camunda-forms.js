// Camunda Forms need a library that no other page does: it is loaded when there is one.
export function showForms() {
  if (document.querySelector('camunda-form')) import('../form.js');
}

// What somebody had typed before; the form may not be there yet.
document.addEventListener('partitur:restore', (event) => {
  const form = document.querySelector(`camunda-form[for="${CSS.escape(event.target.id)}"]`);
  if (!form) return;
  if (form.form) form.data = event.detail.data;
  else form.kept = event.detail.data;
});
