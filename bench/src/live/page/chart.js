// A line chart over the seconds of trials, in SVG.

const NS = "http://www.w3.org/2000/svg";
const LEFT = 62, RIGHT = 10, TOP = 10, BOTTOM = 22;
const DASHES = ["", "7 4", "2 4", "10 3 2 3"];

function element(name, attributes = {}, text) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// A round figure needs no zeros behind its point.
const round = (text) => text.replace(/\.0+(?= )/, "").replace(/(\.\d*[1-9])0+(?= )/, "$1");

export const dash = (number) => DASHES[number % DASHES.length];

// Round steps: 1, 2 or 5 times a power of ten, whole numbers for what is counted.
function steps(from, to, most, least = 0) {
  const rough = Math.max((to - from) / most, least);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough);
  const ticks = [];
  for (let tick = Math.ceil(from / step) * step; tick <= to + step / 1e6 && ticks.length < 50; tick += step) ticks.push(tick);
  return ticks;
}

function decades(from, to, most) {
  const ticks = [];
  const factors = Math.log10(to / from) < 2 ? [1, 2, 5] : [1];
  for (let power = Math.floor(Math.log10(from)); power <= Math.log10(to); power++) {
    for (const factor of factors) {
      const tick = factor * 10 ** power;
      if (tick >= from * 0.999 && tick <= to * 1.001) ticks.push(tick);
    }
  }
  const every = Math.ceil(ticks.length / most);
  return ticks.filter((_, place) => place % every === 0);
}

export class Chart {
  // `value` takes a figure out of a second, `words` writes it; `log` for an axis of powers; `whole` leaves out a second
  // that was cut short; `when` is where in its second a figure stands: in the middle, or at the end when it was taken there.
  constructor(parent, { title, value, words, log = false, whole = false, when = 0.5 }) {
    Object.assign(this, { title, value, words, log, whole, when, traces: [], marks: [], domain: [0, 1] });
    this.figure = document.createElement("figure");
    const head = document.createElement("h3");
    head.textContent = title;
    this.svg = element("svg", { role: "img", tabindex: "0" });
    this.caption = document.createElement("figcaption");
    this.figure.append(head, this.svg, this.caption);
    parent.append(this.figure);
    const point = (event) => this.point(this.secondAt(event.offsetX));
    this.svg.addEventListener("pointermove", point);
    this.svg.addEventListener("pointerdown", point);
    this.svg.addEventListener("pointerleave", () => this.point(null));
    this.svg.addEventListener("blur", () => this.point(null));
    this.svg.addEventListener("keydown", (event) => this.key(event));
    this.onpoint = () => {};
    this.at = null;
    new ResizeObserver(() => this.draw()).observe(this.svg);
  }

  // Replaces what is shown: `shown` as `History` gives it, the seconds of the axis, and instants with a word.
  show(shown, domain, marks) {
    this.traces = shown.map(({ trial, newest, dash, label }) => ({
      trial, newest, dash, label,
      points: trial.seconds
        .filter((second) => (second.whole || !this.whole) && this.value(second) != null)
        .map((second) => [second.at + this.when, this.value(second), second.at]),
    })).filter((trace) => trace.points.length > 0);
    // The newest are drawn last, above the others.
    this.traces.sort((a, b) => a.newest - b.newest);
    Object.assign(this, { domain, marks });
    this.draw();
  }

  point(at) {
    if (at !== this.at) this.onpoint(at);
  }

  key(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") this.point(null);
    if (!by) return;
    event.preventDefault();
    const [from, to] = this.domain;
    const last = Math.max(...this.traces.map((trace) => trace.points.at(-1)[2]), 0);
    const next = this.at == null ? last : this.at + by;
    this.point(Math.min(Math.max(next, Math.floor(from)), Math.ceil(to) - 1));
  }

  secondAt(x) {
    const [from, to] = this.domain;
    const at = from + ((x - LEFT) / (this.width - LEFT - RIGHT)) * (to - from);
    return at < from || at > to ? null : Math.floor(at);
  }

  range() {
    let least = Infinity, most = 0;
    for (const { points } of this.traces) {
      for (const [, value] of points) {
        if (value > most) most = value;
        if (value > 0 && value < least) least = value;
      }
    }
    if (!this.log) return [0, most > 0 ? most * 1.08 : 1];
    if (most === 0) return [1e5, 1e7];
    return [least / 1.3, Math.max(most * 1.3, least * 4)];
  }

  draw() {
    this.width = this.svg.clientWidth;
    this.height = this.svg.clientHeight;
    if (this.width < LEFT + RIGHT + 20) return;
    const [from, to] = this.domain;
    const [low, high] = this.range();
    const x = (at) => LEFT + ((at - from) / (to - from)) * (this.width - LEFT - RIGHT);
    const share = this.log
      ? (value) => Math.log(Math.max(value, low) / low) / Math.log(high / low)
      : (value) => (value - low) / (high - low);
    const y = (value) => this.height - BOTTOM - share(value) * (this.height - TOP - BOTTOM);
    const empty = this.traces.length === 0;
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.svg.replaceChildren(
      element("title", {}, this.title), element("desc", {}, this.describe()),
      ...(empty ? [this.nothing()] : this.axes(x, y, low, high)), ...this.traces.map((trace) => this.curve(trace, x, y)), ...this.pointer(x, y),
    );
    this.caption.textContent = this.readout();
  }

  nothing() {
    return element("text", { class: "tick", x: this.width / 2, y: this.height / 2, "text-anchor": "middle" }, "nothing yet");
  }

  axes(x, y, low, high) {
    const right = this.width - RIGHT, bottom = this.height - BOTTOM;
    const made = [];
    const ticks = this.log ? decades(low, high, 6) : steps(low, high, 4, 1);
    for (const tick of ticks) {
      made.push(element("line", { class: "grid", x1: LEFT, x2: right, y1: y(tick), y2: y(tick) }));
      made.push(element("text", { class: "tick", x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, round(this.words(tick))));
    }
    const most = Math.max(2, Math.floor((right - LEFT) / 70));
    for (const tick of steps(this.domain[0], this.domain[1], most)) {
      const anchor = x(tick) > right - 12 ? "end" : "middle";
      made.push(element("text", { class: "tick", x: x(tick), y: bottom + 15, "text-anchor": anchor }, `${+tick.toFixed(3)} s`));
    }
    made.push(element("line", { class: "zero", x1: x(0), x2: x(0), y1: TOP, y2: bottom }));
    for (const { at, what } of this.marks) {
      made.push(element("line", { class: "event", x1: x(at), x2: x(at), y1: TOP, y2: bottom }));
      made.push(element("text", { class: "tick mark", x: x(at) + 3, y: TOP + 9 }, what));
    }
    return made;
  }

  curve({ trial, newest, dash: number, points }, x, y) {
    const kind = `${trial.transport}${newest ? "" : " faint"}`;
    if (points.length === 1) {
      const [[at, value]] = points;
      return element("circle", { class: `dot ${kind}`, cx: x(at), cy: y(value), r: newest ? 2.5 : 1.5 });
    }
    const line = this.thinned(points, x).map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`);
    return element("polyline", { class: `curve ${kind}`, points: line.join(" "), "stroke-dasharray": dash(number) });
  }

  // Of many points in one column of pixels only the lowest and the highest are seen.
  thinned(points, x) {
    if (points.length < 2 * this.width) return points;
    const kept = [];
    let column = null, low, high;
    const close = () => kept.push(...(low[0] < high[0] ? [low, high] : low === high ? [low] : [high, low]));
    for (const point of points) {
      const here = Math.floor(x(point[0]));
      if (here !== column) {
        if (column !== null) close();
        [column, low, high] = [here, point, point];
      }
      if (point[1] < low[1]) low = point;
      if (point[1] > high[1]) high = point;
    }
    close();
    return kept;
  }

  pointer(x, y) {
    if (this.at == null) return [];
    const middle = this.at + this.when;
    const dots = this.read().map(({ trace, value }) =>
      element("circle", { class: `dot ${trace.trial.transport}`, cx: x(middle), cy: y(value), r: 3 }));
    return [element("line", { class: "pointer", x1: x(middle), x2: x(middle), y1: TOP, y2: this.height - BOTTOM }), ...dots];
  }

  // The values of the second that is pointed at, of the newest trials.
  read() {
    const found = [];
    for (const trace of this.traces.filter((trace) => trace.newest)) {
      const point = trace.points.find(([, , at]) => Math.floor(at) === this.at);
      if (point) found.push({ trace, value: point[1] });
    }
    return found;
  }

  readout() {
    if (this.at == null) return "";
    const values = this.read().map(({ trace, value }) => `${trace.label} ${this.words(value)}`);
    const when = this.at < 0 ? `warm-up, ${-this.at} s before` : `second ${this.at + 1}`;
    return `${when}: ${values.join(" · ") || "nothing"}`;
  }

  // The chart in words.
  describe() {
    const newest = this.traces.filter((trace) => trace.newest);
    const last = newest.map((trace) => `${trace.label} ${this.words(trace.points.at(-1)[1])}`);
    return last.length ? `Newest values: ${last.join(", ")}.` : "Nothing yet.";
  }
}
