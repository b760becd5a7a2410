// What dmn-js makes elements with, from text that has inline styles. Our content security policy refuses those where
// they are parsed, so they are parsed under another name and set by program.
import { domify as parse } from 'min-dom';

export * from 'min-dom';

export function domify(text, ...more) {
  const made = parse(text.replaceAll(' style="', ' data-style="'), ...more);
  for (const element of [made, ...made.querySelectorAll('[data-style]')]) {
    element.style.cssText = element.dataset.style ?? '';
    delete element.dataset.style;
  }
  return made;
}
