// The explain page: one delivery by each transport, as the relay has just sent it to itself, taken apart.
import { record, toHex } from './anatomy.js';
import { annotate, tally } from './annotate.js';
import { byId } from './transports.js';

const $ = (id) => document.getElementById(id);

const SECTIONS = [
  { id: 'polling', parts: [
    ['empty', 'A poll that finds nothing', 'Most polls are such. Each costs a whole request and a whole head.'],
    ['deliver', 'The poll that finds the message', 'The message has waited for it at the relay.'],
  ] },
  { id: 'long-polling', parts: [
    ['deliver', 'A poll that waits, and its answer', 'The request was at the relay before the message was. The answer is the same as for polling; after it, the client asks again.'],
  ] },
  { id: 'streaming', parts: [
    ['connect', 'Once for a connection', 'The answer begins, and does not end.'],
    ['deliver', 'For each message', 'One more chunk of the answer, with one line.'],
  ] },
  { id: 'sse', parts: [
    ['connect', 'Once for a connection', 'The same with a format that browsers read by themselves.'],
    ['deliver', 'For each message', 'One more chunk, with one event.'],
  ] },
  { id: 'websocket', parts: [
    ['connect', 'Once for a connection', 'It begins as HTTP, and both sides agree to go on with frames.'],
    ['deliver', 'For each message', 'One frame. Its header has two bytes, or four when more than 125 follow.'],
    ['publish', 'The other direction', 'On the same connection, at any time: a frame that publishes, and its answer.'],
  ] },
  { id: 'post', name: 'Publishing by POST', what: 'what the other four need to send a message', parts: [
    ['publish', 'For each message', 'A request of its own, on another connection if the first one is taken.'],
  ] },
];
const KINDS = { payload: 'payload', envelope: 'position and names', framing: 'framing', header: 'headers', line: 'request and status lines' };

async function show() {
  $('failed').hidden = true;
  let recorded;
  try {
    recorded = await record(location.origin, $('text').value ? { text: $('text').value } : undefined);
  } catch (error) {
    $('failed').hidden = false;
    $('failed').textContent = error.message;
    return;
  }
  const payload = new TextEncoder().encode(recorded.payload);
  $('payload').textContent = recorded.payload;
  $('size').textContent = `${payload.length} bytes`;
  const sections = SECTIONS.map((section) => ({ ...section, ...takeApart(section, recorded.transports[section.id], payload) }));
  $('summary').replaceChildren(...sections.filter(({ id }) => byId[id]).map((section) => summary(section, sections[0])));
  $('sections').replaceChildren(...sections.map(draw));
  document.documentElement.dataset.ready = 'true';
}

// Gives each part its pieces.
function takeApart({ id, parts }, said, payload) {
  return {
    parts: parts.map(([purpose, title, note]) => {
      const exchange = said.filter((part) => part.purpose === purpose);
      const turns = exchange.map(({ from, bytes }) => ({ from, bytes, pieces: annotate({ id, purpose, from, bytes }, payload) }));
      return { purpose, title, note, turns, counts: tally(turns.flatMap(({ pieces }) => pieces)) };
    }),
  };
}

const total = (counts) => Object.values(counts).reduce((sum, each) => sum + each, 0);

// A line of the summary: what one message takes, as a bar and as numbers.
function summary({ id, parts }) {
  const { counts } = parts.find(({ purpose }) => purpose === 'deliver');
  const once = parts.find(({ purpose }) => purpose === 'connect');
  const empty = parts.find(({ purpose }) => purpose === 'empty');
  const row = make('tr', { 'data-transport': id });
  const name = make('th', { scope: 'row' });
  name.append(make('a', { href: `#${id}` }, byId[id].name));
  const over = total(counts) - counts.payload;
  const more = once ? `${total(once.counts)} B once` : empty ? `${total(empty.counts)} B for each empty poll` : '–';
  const cell = make('td', { class: 'wide' });
  cell.append(bar(counts));
  row.append(name, cell, make('td', { class: 'number' }, total(counts)), make('td', { class: 'number' }, over),
    make('td', { class: 'number' }, (over / counts.payload).toFixed(1)), make('td', {}, more));
  return row;
}

let widest = 0;
function bar(counts) {
  widest = Math.max(widest, total(counts));
  const told = Object.entries(KINDS).filter(([kind]) => counts[kind]).map(([kind, label]) => `${label} ${counts[kind]} bytes`).join(', ');
  const element = make('div', { class: 'stack', role: 'img', 'aria-label': told, title: told });
  for (const kind of Object.keys(KINDS)) {
    const part = make('i', { class: `k-${kind}` });
    part.style.width = `${(100 * counts[kind]) / widest}%`;
    element.append(part);
  }
  return element;
}

function draw({ id, name, what, parts }) {
  const section = make('section', { class: 'card', id, 'data-transport': id, 'aria-labelledby': `${id}-title` });
  const transport = byId[id];
  const title = make('h2', { id: `${id}-title` }, transport?.name ?? name);
  section.append(title, make('p', { class: 'soft' }, transport?.what ?? what));
  for (const part of parts) section.append(exchange(part));
  return section;
}

function exchange({ purpose, title, note, turns, counts }) {
  const article = make('article', { 'data-purpose': purpose });
  const head = make('header');
  head.append(make('h3', {}, title), make('p', { class: 'count' }, `${total(counts)} bytes, ${counts.payload ? `${counts.payload} of them payload` : 'none of them payload'}`));
  article.append(head, make('p', { class: 'soft' }, note));
  for (const { from, bytes, pieces } of turns) {
    const turn = make('div', { class: `turn ${from}`, 'data-from': from });
    turn.append(make('p', { class: 'from' }, from === 'client' ? `→ from the browser, ${bytes.length} bytes` : `← from the relay, ${bytes.length} bytes`));
    turn.append(...rows(pieces));
    article.append(turn);
  }
  return article;
}

// A row for each piece; the browser's own headers are folded up.
function rows(pieces) {
  const own = pieces.filter((piece) => piece.own);
  const all = [];
  for (const piece of pieces) {
    if (!piece.own || own.length < 3) all.push(row(piece));
    else if (piece === own[0]) {
      const fold = make('details');
      const bytes = own.reduce((sum, each) => sum + each.bytes.length, 0);
      fold.append(make('summary', {}, `${own.length} headers that the browser adds by itself: ${bytes} bytes`), ...own.map(row));
      all.push(fold);
    }
  }
  return all;
}

function row({ kind, bytes, note, raw, bits }) {
  const line = make('div', { class: 'piece' });
  const code = make('code', { class: `k-${kind}`, 'data-hex': toHex(bytes) });
  if (raw) code.textContent = toHex(bytes).replace(/../g, '$& ').trim();
  else code.append(...visible(new TextDecoder().decode(bytes)));
  const side = make('div', { class: 'side' });
  side.append(make('span', { class: 'count' }, bytes.length), make('span', { class: 'note' }, note));
  if (bits) {
    const list = make('dl', { class: 'bits' });
    for (const [value, meaning] of bits) list.append(make('dt', {}, value), make('dd', {}, meaning));
    side.append(list);
  }
  line.append(code, side);
  return line;
}

// The text with its line ends made visible.
function visible(text) {
  return text.split(/(\r\n|\n)/).filter(Boolean).map((part) => {
    if (part === '\r\n') return make('s', { title: 'carriage return, line feed' }, '\\r\\n');
    return part === '\n' ? make('s', { title: 'line feed' }, '\\n') : part;
  });
}

function make(tag, attributes = {}, text) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

$('record').onsubmit = (event) => {
  event.preventDefault();
  show();
};
await show();
