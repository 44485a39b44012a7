// What a transport costs on the wire. A page cannot see the bytes of its connections; it knows what it asked and what
// came, and takes the bytes around them from a delivery that the relay recorded for this browser.
import { count, record } from './anatomy.js';
import { byId } from './transports.js';

const text = new TextEncoder();
const size = (string) => text.encode(string).length;

// Gives the cost of each transport: { ask, empty, framing } in bytes, and of publishing: { post, frame }, each around
// a payload.
export async function costs(relay) {
  const { payload, transports } = await record(relay);
  const publishing = {
    post: count(transports.post, 'publish') - size(payload),
    frame: count(transports.websocket, 'publish') - size(payload),
  };
  const receiving = Object.fromEntries(
    Object.entries(transports)
      .filter(([id]) => byId[id])
      .map(([id, said]) => {
        // What the client calls the text of a message: an item, a line, an event's data, a frame's text.
        const item = size(`{"position":"${position(said)}","payload":${payload}}`);
        const carried = id === 'sse' ? size(payload) : item;
        const answered = count(said, 'deliver', 'relay');
        return [id, byId[id].asks
          ? { ask: count(said, 'deliver', 'client'), empty: count(transports.polling, 'empty', 'relay'), framing: answered - carried }
          : { ask: count(said, 'connect'), empty: 0, framing: answered - carried }];
      }),
  );
  return { ...receiving, ...publishing };
}

function position(said) {
  const delivered = said.findLast((part) => part.purpose === 'deliver' && part.from === 'relay');
  return new TextDecoder().decode(delivered.bytes).match(/[0-9a-z]{6}-\d+/)[0];
}

// Counts one subscriber's requests and bytes.
export class Meter {
  #cost;
  #asks;
  #answered = true;
  #reached = true;
  requests = 0;
  messages = 0;
  bytes = 0;
  sends = { post: 0, frame: 0 };
  sentBytes = 0;
  #before = { requests: 0, bytes: 0 };

  constructor(id, cost) {
    this.#cost = cost;
    this.#asks = byId[id].asks;
  }

  // Books a request and an empty answer.
  request() {
    this.failed(); // the one before, if it was never answered
    this.requests += 1;
    this.#answered = false;
    this.#reached = false;
    if (this.#cost) this.bytes += this.#cost.ask + this.#cost.empty;
  }

  // The relay was there.
  reached() {
    this.#reached = true;
  }

  // A request that reached nobody took no bytes.
  failed() {
    if (this.#cost && !this.#reached) this.bytes -= this.#cost.ask + this.#cost.empty;
    this.#reached = true;
  }

  // Books a message; gives what has passed since the one before it.
  message(text) {
    this.messages += 1;
    if (this.#cost) {
      // The first message of an answer turns an empty one into a full one; further ones only need a comma.
      const first = !this.#answered || !this.#asks;
      this.bytes += size(text) + (first ? this.#cost.framing - this.#cost.empty : 1);
    }
    this.#answered = true;
    const since = { requests: this.requests - this.#before.requests, bytes: this.bytes - this.#before.bytes };
    this.#before = { requests: this.requests, bytes: this.bytes };
    return since;
  }

  // Books a message that was sent, by POST or by a frame.
  sent(by, value, around) {
    this.sends[by] += 1;
    this.sentBytes += size(JSON.stringify(value)) + (around ?? 0);
  }

  get known() {
    return this.#cost !== undefined;
  }
}

export function inBytes(bytes) {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  if (bytes < 1e6) return `${(bytes / 1000).toFixed(bytes < 1e4 ? 2 : 1)} kB`;
  return `${(bytes / 1e6).toFixed(2)} MB`;
}

export function inTime(ms) {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return ms >= 100 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
}

// A time that was chosen, not measured: no more digits than it has.
export function inWhole(ms) {
  return ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`;
}
