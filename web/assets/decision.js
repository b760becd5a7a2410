// <dmn-decision src, decision, rules>: one decision of a DMN file, the rules that matched highlighted.
//
// src       address of the DMN file
// decision  id of the decision to show
// rules     JSON: ids of the rules that matched
//
// Everything that comes from a model is untrusted: it reaches the page as text, never as HTML.
import './parts/hardened.js';
import 'dmn-js/dist/assets/diagram-js.css';
import 'dmn-js/dist/assets/dmn-js-shared.css';
import 'dmn-js/dist/assets/dmn-js-drd.css';
import 'dmn-js/dist/assets/dmn-js-decision-table.css';
import 'dmn-js/dist/assets/dmn-js-literal-expression.css';
import 'dmn-js/dist/assets/dmn-js-boxed-expression.css';
import Viewer from 'dmn-js/lib/NavigatedViewer';

import { translation } from './parts/libraries.js';
import { say } from './parts/words.js';

// The viewer knows one version of DMN; what it draws is the same in all of them.
const MODEL = 'https://www.omg.org/spec/DMN/20191111/MODEL/';
const OTHERS = /https?:\/\/www\.omg\.org\/spec\/DMN\/(?:20151101\/dmn\.xsd|20180521\/MODEL\/|20211108\/MODEL\/|20230324\/MODEL\/|20240513\/MODEL\/)/g;

class DmnDecision extends HTMLElement {
  async connectedCallback() {
    if (this.viewer) return;
    const canvas = document.createElement('div');
    canvas.className = 'canvas';
    this.append(canvas);
    const words = { additionalModules: [translation] };
    this.viewer = new Viewer({
      container: canvas, decisionTable: words, literalExpression: words, boxedExpression: words, drd: { ...words, drdRenderer: {
        defaultFillColor: 'var(--diagram-fill)', defaultStrokeColor: 'var(--diagram-stroke)', defaultLabelColor: 'var(--ink)',
      } },
    });
    try {
      const response = await fetch(this.getAttribute('src'));
      if (!response.ok) throw new Error(say('Expected the decision, but the server answered %(status)s.', { status: response.status }));
      await this.viewer.importXML((await response.text()).replace(OTHERS, MODEL), { open: false });
    } catch {
      this.say(say('The decision cannot be drawn, because the file cannot be read as DMN 1.3.'));
      return;
    }
    const views = this.viewer.getViews();
    const own = views.find(({ element }) => element.id === this.getAttribute('decision'));
    const graph = views.find(({ type }) => type === 'drd');
    if (!own && !graph) {
      this.say(say('This decision is neither a table nor a literal expression, so it is not drawn; it runs all the same.'));
      return;
    }
    if (own && graph) this.choices(own, graph);
    await this.open(own ?? graph);
    this.setAttribute('data-ready', '');
  }

  async open(view) {
    this.setAttribute('view', view.type);
    await this.viewer.open(view);
    for (const rule of JSON.parse(this.getAttribute('rules') || '[]')) {
      for (const cell of this.querySelectorAll(`[data-row-id="${CSS.escape(rule)}"]`)) {
        cell.closest('tr')?.classList.add('matched');
      }
    }
    if (view.type === 'drd') this.viewer.getActiveViewer().get('canvas').zoom('fit-viewport', 'auto');
    // A table may be wider than the page; whoever uses the keyboard has to reach what is hidden.
    for (const box of this.querySelectorAll('.tjs-container, .tjs-table-container')) box.tabIndex = 0;
  }

  choices(own, graph) {
    const box = document.createElement('div');
    box.className = 'views';
    for (const [word, view] of [[say('Logic'), own], [say('Requirements'), graph]]) {
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'button small';
      button.textContent = word;
      button.setAttribute('aria-pressed', String(view === own));
      button.addEventListener('click', async () => {
        for (const each of box.children) each.setAttribute('aria-pressed', String(each === button));
        await this.open(view);
      });
      box.append(button);
    }
    this.prepend(box);
  }

  say(sentence) {
    this.setAttribute('data-undrawn', '');
    const box = document.createElement('p');
    box.className = 'trouble';
    box.textContent = sentence;
    this.append(box);
  }
}

customElements.define('dmn-decision', DmnDecision);
