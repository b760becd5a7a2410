// What scripts say, in the language of the page. The page brings the translations; without one the English text stays.
const source = document.getElementById('words');
const WORDS = source ? JSON.parse(source.textContent) : {};

export const LANGUAGE = document.documentElement.lang || 'en';

function fill(text, values) {
  return text.replace(/%\((\w+)\)s|%%/g, (found, name) => (name ? String(values[name]) : '%'));
}

export function say(text, values = {}) {
  return fill(WORDS[text] ?? text, values);
}

// A text whose places are filled by somebody else. It may come from a model: what is no text of ours stays as it is.
export function inThisLanguage(text) {
  return Object.hasOwn(WORDS, text) ? WORDS[text] : text;
}

// The two forms that English and most languages beside it have; %(num)s is the number itself.
export function sayMany(one, many, num, values = {}) {
  const forms = WORDS[one] ?? [one, many];
  return fill(forms[num === 1 ? 0 : forms.length - 1], { num, ...values });
}
