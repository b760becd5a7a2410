// Short messages at the edge of the screen, above any open dialog.
const GOOD_NEWS_STAYS = 8000;

export function raise() {
  const box = document.getElementById('toasts');
  if (!box?.children.length) return;
  if (box.matches(':popover-open')) box.hidePopover();
  box.showPopover();
  for (const toast of box.children) {
    if (toast.dataset.state === 'incident' || toast.dataset.leaves) continue;
    toast.dataset.leaves = 'soon';
    setTimeout(() => leave(toast), GOOD_NEWS_STAYS);
  }
}

function leave(toast) {
  // Not while somebody reads it or is about to press its button.
  if (toast.matches(':hover, :focus-within')) setTimeout(() => leave(toast), GOOD_NEWS_STAYS);
  else remove(toast);
}

function remove(toast) {
  const box = document.getElementById('toasts');
  toast.remove();
  if (!box.children.length && box.matches(':popover-open')) box.hidePopover();
}

export function dismiss(button) {
  remove(button.closest('#toasts > *'));
}
