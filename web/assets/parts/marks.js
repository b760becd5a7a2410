// What is laid over a diagram. Text only: nothing here ever parses HTML.
const SVG = 'http://www.w3.org/2000/svg';

export function badges({ tokens, incidents, done }) {
  const box = document.createElement('div');
  box.className = 'badges';
  const add = (count, state, word) => {
    if (!count) return;
    const badge = document.createElement('span');
    badge.className = 'badge';
    badge.dataset.state = state;
    badge.title = `${count} ${word}`;
    badge.textContent = String(count);
    box.append(badge);
  };
  add(tokens, 'active', tokens === 1 ? 'token waits here' : 'tokens wait here');
  add(incidents, 'incident', incidents === 1 ? 'incident' : 'incidents');
  add(done, 'completed', 'times completed');
  return box.children.length ? box : null;
}

// bpmn-js colours its arrow heads when it draws them; the taken path needs one that follows the theme.
export function takenArrow(svg) {
  const marker = document.createElementNS(SVG, 'marker');
  const attributes = { id: 'taken-arrow', viewBox: '0 0 20 20', refX: 11, refY: 10, markerWidth: 14, markerHeight: 14,
    orient: 'auto', markerUnits: 'userSpaceOnUse' };
  for (const [name, value] of Object.entries(attributes)) marker.setAttribute(name, value);
  const head = document.createElementNS(SVG, 'path');
  head.setAttribute('d', 'M 1 4 L 11 10 L 1 16 Z');
  head.style.fill = 'var(--active-solid)';
  marker.append(head);
  const defs = document.createElementNS(SVG, 'defs');
  defs.append(marker);
  svg.prepend(defs);
}
