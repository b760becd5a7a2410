// Copies the text that a button stands beside.
import { say } from './words.js';

export async function copyFrom(button) {
  await navigator.clipboard.writeText(button.dataset.text);
  const word = button.querySelector('.sr-only');
  const before = word.textContent;
  button.dataset.done = '';
  word.textContent = say('Copied');
  setTimeout(() => {
    delete button.dataset.done;
    word.textContent = before;
  }, 1500);
}
