// Labels of a diagram: what no one could read anyway is cut, because laying out a text takes the square of its length.
const LONGEST = 1000;

const readable = (text) => (text?.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);

export function shortenLabels(texts) {
  const { createText, getExternalLabelBounds } = texts;
  texts.createText = (text, options) => createText.call(texts, readable(text), options);
  texts.getExternalLabelBounds = (bounds, text) => getExternalLabelBounds.call(texts, bounds, readable(text));
}
