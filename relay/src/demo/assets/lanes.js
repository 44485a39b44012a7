// The picture of the race: a lane for each transport, on which each message is a dot at its delay.
import { inTime, inWhole } from './meter.js';

const SVG = 'http://www.w3.org/2000/svg';
const SHOWN = 40;

// A scale of delays that all lanes share, from 0 ms (or 0.5 ms, when logarithmic) to `most`.
export class Scale {
  log = false;
  most = 1000;

  at(delay) {
    if (!this.log) return Math.min(delay / this.most, 1);
    const least = Math.log(0.5);
    return Math.min(Math.max((Math.log(Math.max(delay, 0.5)) - least) / (Math.log(this.most) - least), 0), 1);
  }

  percent(delay) {
    return `${(2 + 96 * this.at(delay)).toFixed(2)}%`;
  }

  get ticks() {
    if (this.log) return [1, 10, 100, 1000, 10_000].filter((tick) => tick <= this.most);
    const step = [20, 50, 100, 200, 500, 1000, 2000].find((each) => this.most / each <= 6) ?? 5000;
    return Array.from({ length: Math.floor(this.most / step) + 1 }, (_, n) => n * step);
  }
}

// One lane, and the figures beside it.
export class Lane {
  #part;
  #scale;
  #name;
  #delays = [];

  constructor(element, transport, scale) {
    this.#part = (selector) => element.querySelector(selector);
    this.#scale = scale;
    this.#name = transport.name;
    element.dataset.transport = transport.id;
    this.#part('h3').textContent = transport.name;
    this.#part('.what').textContent = transport.what;
    this.state('connecting', 'connects');
    this.clear();
  }

  clear() {
    this.#delays = [];
    this.#part('.dots').replaceChildren();
    this.draw();
  }

  dot(delay) {
    const dot = document.createElementNS(SVG, 'circle');
    dot.setAttribute('r', 5);
    // Dots of the same delay would hide each other: they stand a little apart.
    dot.setAttribute('cy', `${50 + 22 * Math.sin(this.#delays.length * 2.4)}%`);
    this.#delays.push(delay);
    const dots = this.#part('.dots');
    dots.append(dot);
    while (dots.childElementCount > SHOWN) dots.firstElementChild.remove();
    this.draw();
  }

  get mean() {
    return this.#delays.length ? this.#delays.reduce((sum, each) => sum + each, 0) / this.#delays.length : NaN;
  }

  get count() {
    return this.#delays.length;
  }

  // Places everything, at first and when the scale or the interval has changed.
  draw(interval = 0) {
    const shown = this.#delays.slice(-SHOWN);
    [...this.#part('.dots').children].forEach((dot, at) => {
      dot.setAttribute('cx', this.#scale.percent(shown[at]));
      dot.style.opacity = 0.25 + (0.75 * (at + 1)) / shown.length;
    });
    const mean = this.#part('.mean');
    mean.style.display = shown.length ? '' : 'none';
    if (shown.length) for (const end of ['x1', 'x2']) mean.setAttribute(end, this.#scale.percent(this.mean));
    if (interval) {
      const from = 2;
      this.#part('.band').setAttribute('x', `${from}%`);
      this.#part('.band').setAttribute('width', `${parseFloat(this.#scale.percent(interval)) - from}%`);
    }
    const told = shown.length ? `${this.#name}: ${this.count} messages, mean delay ${inTime(this.mean)}` : `${this.#name}: nothing yet`;
    this.#part('.track').setAttribute('aria-label', told);
    this.#part('.delay').textContent = shown.length ? inTime(this.mean) : '–';
  }

  figures({ requests, bytes }) {
    this.#part('.requests').textContent = requests;
    this.#part('.bytes').textContent = bytes;
  }

  state(kind, text) {
    this.#part('.state').hidden = kind === 'on';
    this.#part('.state').dataset.state = kind;
    this.#part('.state').textContent = text;
  }
}

// Writes the scale's ticks under the lanes.
export function drawAxis(element, scale) {
  element.replaceChildren(...scale.ticks.map((tick) => {
    const mark = document.createElement('span');
    mark.style.left = scale.percent(tick);
    mark.textContent = tick === 0 ? '0' : inWhole(tick);
    return mark;
  }));
}
