// What form-js and dmn-js say themselves, in the language of the page: both ask a service `translate` for their words.
import { LANGUAGE, inThisLanguage } from './words.js';

// Marks a text of theirs, so that it is collected (web/translations/collect.py).
const theirs = (text) => text;

// A test compares these with what the installed versions say.
export const TEXTS = [
  // form-js
  theirs('Add new'), theirs('All values selected'), theirs("binding path '{value}' is already claimed"),
  theirs('Click to remove sorting'), theirs('Click to sort by {value} ascending'),
  theirs('Click to sort by {value} descending'), theirs('Collapse'), theirs('Date and time must both be entered.'),
  theirs('Decrement'), theirs('Document reference is not defined.'), theirs('Download {fileName}'),
  theirs('Expand all ({value})'), theirs("External content couldn't be loaded."), theirs('Field is required.'),
  theirs('Field must be a valid email.'),
  theirs('Field must be a valid international phone number. (e.g. +4930664040900)'),
  theirs('Field must have maximum length of {value}.'), theirs('Field must have maximum value of {value}.'),
  theirs('Field must have minimum length of {value}.'), theirs('Field must have minimum value of {value}.'),
  theirs('Field must match pattern {value}.'), theirs('Increment'),
  theirs('Max validation value is not a valid number.'), theirs('Min validation value is not a valid number.'),
  theirs('Next page'), theirs('No content to show.'), theirs('No files selected'), theirs('No results'),
  theirs('Nothing to show.'),
  theirs('Please select a valid value, the two nearest valid values are {previousValue} and {nextValue}.'),
  theirs('Previous page'), theirs('Remove tag'), theirs('Search'), theirs('Skip to search'),
  theirs('Unable to download document'), theirs('Value is expected to be an integer.'),
  theirs('Value is expected to have at most 1 decimal digit.'),
  theirs('Value is expected to have at most {value} decimal digits.'), theirs('Value is not a number.'),
  theirs('{page} of {total}'), theirs('{value} files selected'),
  // dmn-js
  theirs('And'), theirs('Then'), theirs('Annotations'), theirs('Input label: '),
  theirs('Input expression: '), theirs('Input values'), theirs('Input type'), theirs('Output label'),
  theirs('Output name'), theirs('Output values'), theirs('Output type'), theirs('Decision name: '),
  theirs('Hit policy:'), theirs('Unique'), theirs('First'), theirs('Priority'), theirs('Any'), theirs('Collect'),
  theirs('Collect (Sum)'), theirs('Collect (Min)'), theirs('Collect (Max)'), theirs('Collect (Count)'),
  theirs('Rule order'), theirs('Output order'),
  theirs('No overlap is possible and all rules are disjoint. Only a single rule can be matched'),
  theirs('Rules may overlap. The first matching rule will be chosen'),
  theirs('Rules may overlap. The one with the highest priority will be chosen'),
  theirs('Rules may overlap. Their output have to match'), theirs('Collects the values of all matching rules'),
  theirs('Collects the values of all matching rules and sums up to a single value'),
  theirs('Collects the values of all matching rules and uses the lowest value'),
  theirs('Collects the values of all matching rules and uses the highest value'),
  theirs('Collects the values of all matching rules and counts the number of them'),
  theirs('Collects the values of all matching rules in rule order'),
  theirs('Collects the values of all matching rules in decreasing output priority order'),
  theirs('Variable name:'), theirs('Variable type:'), theirs('Expression language:'), theirs('Definition name'),
  theirs('Definition ID'), theirs('Open decision table'), theirs('Open literal expression'), theirs('View DRD'),
];

// Where one English word is two in other languages: elsewhere "When" asks for a time.
const OTHERWISE = { When: theirs('If') };

function translate(template, replacements = {}) {
  const text = LANGUAGE !== 'en' && Object.hasOwn(OTHERWISE, template) ? OTHERWISE[template] : template;
  return inThisLanguage(text).replace(/{([^}]+)}/g, (_, name) => replacements[name] || `{${name}}`);
}

export const translation = { translate: ['value', translate] };
