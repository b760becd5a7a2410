// What is laid over a diagram. Text only: nothing here ever parses HTML.
import { sayMany } from './words.js';

const SVG = 'http://www.w3.org/2000/svg';

export function badges({ tokens, incidents, done, plus, minus, figure, title }) {
  const box = document.createElement('div');
  box.className = 'badges';
  const add = (count, state, word, sign = '') => {
    if (!count) return;
    const badge = document.createElement('span');
    badge.className = 'badge';
    badge.dataset.state = state;
    badge.title = word;
    badge.textContent = `${sign}${count}`;
    if (sign) badge.dataset.sign = '';
    box.append(badge);
  };
  add(tokens, 'active', sayMany('%(num)s token waits here', '%(num)s tokens wait here', tokens));
  add(incidents, 'incident', sayMany('%(num)s incident', '%(num)s incidents', incidents));
  add(done, 'completed', sayMany('%(num)s time completed', '%(num)s times completed', done));
  add(plus, 'completed', sayMany('%(num)s token would come here', '%(num)s tokens would come here', plus), '+');
  add(minus, 'incident', sayMany('%(num)s token would be taken', '%(num)s tokens would be taken', minus), '−');
  if (figure) {
    const badge = document.createElement('span');
    badge.className = 'badge figure';
    badge.title = title ?? figure;
    badge.textContent = figure;
    box.append(badge);
  }
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
