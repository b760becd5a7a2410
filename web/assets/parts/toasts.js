// Short messages at the edge of the screen, above any open dialog.
export function raise() {
  const box = document.getElementById('toasts');
  if (!box?.children.length) return;
  if (box.matches(':popover-open')) box.hidePopover();
  box.showPopover();
}

export function dismiss(button) {
  const box = document.getElementById('toasts');
  button.closest('#toasts > *').remove();
  if (!box.children.length && box.matches(':popover-open')) box.hidePopover();
}
