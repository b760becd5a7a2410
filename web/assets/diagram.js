// <bpmn-diagram src | source, marks, choice, selected>: a BPMN diagram with badges.
//
// src       address of the BPMN file; or source: selector of a <textarea> that holds it
// marks     JSON: {elements: {id: {tokens, incidents, figure, title, classes: []}}, flows: [ids taken]}
// choice    an address with __ELEMENT__ in it: where a click on an element leads
// selected  id of the chosen element
//
// Everything that comes from a model is untrusted: it reaches the page as text, never as HTML.
import './parts/hardened.js';
import 'bpmn-js/dist/assets/diagram-js.css';
import NavigatedViewer from 'bpmn-js/lib/NavigatedViewer';
import { getBusinessObject, getDi, isAny } from 'bpmn-js/lib/util/ModelUtil';

import { shortenLabels } from './parts/labels.js';
import { badges, takenArrow } from './parts/marks.js';
import { say } from './parts/words.js';

const MARKER_CLASSES = ['passed', 'here', 'failing', 'doubtful', 'added', 'removed', 'changed', 'chosen',
  'heat-1', 'heat-2', 'heat-3', 'heat-4', 'heat-5'];

class BpmnDiagram extends HTMLElement {
  static observedAttributes = ['marks', 'selected'];

  async connectedCallback() {
    if (this.viewer) return;
    const canvas = document.createElement('div');
    canvas.className = 'canvas';
    this.append(canvas);
    this.viewer = new NavigatedViewer({
      container: canvas,
      bpmnRenderer: {
        defaultFillColor: 'var(--diagram-fill)',
        defaultStrokeColor: 'var(--diagram-stroke)',
        defaultLabelColor: 'var(--ink)',
      },
      textRenderer: { defaultStyle: { fontFamily: 'Arial, "Liberation Sans", Helvetica, sans-serif' } },
    });
    shortenLabels(this.viewer.get('textRenderer'));
    try {
      await this.viewer.importXML(await this.read());
    } catch (error) {
      this.say(/no diagram to display/.test(error.message)
        ? say('This file has no diagram: it was not drawn in a modeler, but it can still run.')
        : say('The diagram cannot be drawn, because the file cannot be read as BPMN.'));
      return;
    }
    this.ready();
  }

  async read() {
    const source = this.getAttribute('source');
    if (source) return document.querySelector(source).value;
    const response = await fetch(this.getAttribute('src'));
    if (!response.ok) throw new Error(say('Expected the diagram, but the server answered %(status)s.', { status: response.status }));
    return response.text();
  }

  say(sentence) {
    this.setAttribute('data-undrawn', '');
    const box = document.createElement('p');
    box.className = 'trouble';
    box.textContent = sentence;
    this.append(box);
  }

  ready() {
    this.registry = this.viewer.get('elementRegistry');
    this.canvas = this.viewer.get('canvas');
    this.overlays = this.viewer.get('overlays');
    takenArrow(this.querySelector('svg'));
    this.fit();
    new ResizeObserver(() => this.canvas.resized()).observe(this);
    this.zoomButtons();
    this.registry.forEach((element) => {
      const di = getDi(element);
      if (di?.get?.('bioc:fill') || di?.get?.('color:background-color')) this.canvas.addMarker(element, 'coloured');
    });
    if (this.hasAttribute('choice')) this.makeClickable();
    this.drawn = true;
    this.mark();
    this.setAttribute('data-ready', '');
  }

  fit() {
    this.canvas.zoom('fit-viewport', 'auto');
    // A little air around it, and no giants.
    this.canvas.zoom(Math.min(1.2, this.canvas.zoom() * 0.92), 'auto');
  }

  zoomButtons() {
    const box = document.createElement('div');
    box.className = 'zoom';
    const steps = [['+', say('Zoom in'), () => this.viewer.get('zoomScroll').stepZoom(1)],
      ['−', say('Zoom out'), () => this.viewer.get('zoomScroll').stepZoom(-1)], ['⤢', say('Fit the diagram'), () => this.fit()]];
    for (const [sign, word, act] of steps) {
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'button small only-icon';
      button.title = word;
      button.setAttribute('aria-label', word);
      button.textContent = sign;
      button.addEventListener('click', act);
      box.append(button);
    }
    this.append(box);
  }

  makeClickable() {
    const chosen = (element) => isAny(getBusinessObject(element), ['bpmn:FlowNode']) && (element.labelTarget ?? element);
    this.registry.forEach((element) => {
      if (chosen(element)) this.canvas.addMarker(element, 'clickable');
    });
    this.viewer.on('element.click', ({ element }) => {
      const target = chosen(element);
      if (!target) return;
      // A second click on the chosen element takes the choice back.
      const id = target.id === this.getAttribute('selected') ? '' : target.id;
      const link = this.getAttribute('choice').replace('__ELEMENT__', encodeURIComponent(id));
      const follow = new CustomEvent('choose', { detail: { id, link }, cancelable: true, bubbles: true });
      if (this.dispatchEvent(follow)) window.location.assign(link);
    });
  }

  attributeChangedCallback() {
    if (this.drawn) this.mark();
  }

  mark() {
    const marks = JSON.parse(this.getAttribute('marks') || '{}');
    this.overlays.remove({ type: 'badges' });
    this.registry.forEach((element) => {
      for (const name of MARKER_CLASSES) this.canvas.removeMarker(element, name);
    });
    for (const [id, mark] of Object.entries(marks.elements ?? {})) {
      if (!this.registry.get(id)) continue;
      for (const name of mark.classes ?? []) this.canvas.addMarker(id, name);
      const content = badges(mark);
      if (content) this.overlays.add(id, 'badges', { position: { bottom: 0, left: 0 }, html: content });
    }
    for (const id of marks.flows ?? []) {
      if (this.registry.get(id)) this.canvas.addMarker(id, 'passed');
    }
    const selected = this.getAttribute('selected');
    if (selected && this.registry.get(selected)) this.canvas.addMarker(selected, 'chosen');
  }

  show(id) {
    const element = this.drawn && this.registry.get(id);
    if (!element) return;
    this.setAttribute('selected', id);
    this.canvas.scrollToElement(element, 80);
    this.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
  }
}

customElements.define('bpmn-diagram', BpmnDiagram);
