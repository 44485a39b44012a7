// One side of the chat: a name, a transport, what came and what it took.
import { keepFollowing, now, post } from './keep.js';
import { inBytes, inTime, Meter } from './meter.js';
import { byId, transports } from './transports.js';

const KEPT = 200;

export class Pane {
  #part;
  #setting; // { relay, costs, channels(name), changed() }
  #stop = null;
  #after = {};
  #publish = null;
  #meter;
  #delays = 0;
  #said = Promise.resolve();

  constructor(section, name, transport, setting) {
    this.section = section;
    this.#setting = setting;
    this.#part = (selector) => section.querySelector(selector);
    for (const { id, name: label } of transports) this.#part('.transport').add(new Option(label, id, false, id === transport));
    this.#part('.who').value = name;
    this.#part('.transport').onchange = () => this.start();
    this.#part('.interval').onchange = () => this.start();
    this.#part('.who').onchange = () => this.#part('.who').checkValidity() && this.#setting.changed();
    this.#part('.composer').onsubmit = (event) => {
      event.preventDefault();
      const words = this.#part('.words');
      if (words.value.trim()) this.say({ text: words.value });
      words.value = '';
    };
    this.#part('.words').oninput = () => {
      if (this.#setting.everyKey()) this.say({ typing: this.#part('.words').value });
    };
  }

  get name() {
    return this.#part('.who').value;
  }

  get transport() {
    return byId[this.#part('.transport').value];
  }

  // Begins to follow, or begins anew with other settings. What was read of a channel stays read.
  start() {
    this.stop();
    const { id, name: label, follow, holds } = this.transport;
    const channel = this.#setting.channels(this.name).reads;
    this.section.dataset.transport = id;
    this.section.setAttribute('aria-label', `${this.name}, ${label}`);
    this.#part('.log').setAttribute('aria-label', `Messages to ${this.name}`);
    this.#part('.words').setAttribute('aria-label', `Message from ${this.name}`);
    this.#part('.words').placeholder = `Write as ${this.name}`;
    this.#part('.every').hidden = id !== 'polling';
    this.#part('.alone').href = `?only=${encodeURIComponent(this.name)}&transport=${id}`;
    this.#part('.alone').setAttribute('aria-label', `Open ${this.name} in a window of its own`);
    this.#meter = new Meter(id, this.#setting.costs?.[id]);
    this.#delays = 0;
    this.#show();
    this.#state('connecting', 'connects');
    const stop = (this.#stop = new AbortController());
    this.#setting.held(this, holds ? 1 : 0);
    keepFollowing(follow, `${this.#setting.relay}/channels/${channel}`, {
      after: this.#after[channel],
      interval: Number(this.#part('.interval').value),
      signal: stop.signal,
      on: {
        request: () => {
          this.#meter.request();
          this.#show();
        },
        open: (publish) => {
          this.#meter.reached();
          this.#publish = publish;
          this.#state('on', `reads ${channel}`);
        },
        position: (position) => {
          this.#meter.reached();
          this.#after[channel] = position;
        },
        message: (position, payload, text) => this.#receive(position, payload, text),
        missed: (reason) => this.#missed(reason),
        refused: (error) => this.#note(error.message, 'failed'),
        lost: (error) => {
          this.#meter.failed();
          this.#show();
          this.#publish = null;
          this.#state('lost', `${error.message}; tries again`);
        },
      },
    });
  }

  stop() {
    this.#stop?.abort();
    this.#stop = null;
    this.#publish = null;
  }

  // Publishes words, or what is typed so far, after all that was said before: two requests at once could change places.
  say(words) {
    this.#said = this.#said.then(() => this.#send(words));
    return this.#said;
  }

  async #send(words) {
    const { reads, writes } = this.#setting.channels(this.name);
    const value = { from: this.name, ...words, sent: now() };
    try {
      // A socket belongs to one channel: what goes to another goes by POST.
      const by = this.#publish && reads === writes ? 'frame' : 'post';
      this.#meter.sent(by, value, this.#setting.costs?.[by]);
      this.#show();
      if (by === 'frame') this.#publish(value);
      else await post(`${this.#setting.relay}/channels/${writes}`, value);
      if (reads !== writes && words.text !== undefined) this.#bubble('mine', this.name, words.text, `to ${writes}`);
    } catch (error) {
      this.#note(`not sent: ${error.message}`, 'failed');
    }
  }

  // Types a sentence key by key, as a person would.
  async type(sentence, tick) {
    const words = this.#part('.words');
    for (let end = 1; end <= sentence.length; end += 1) {
      words.value = sentence.slice(0, end);
      await this.say({ typing: words.value });
      await tick();
    }
    this.#part('.composer').requestSubmit();
  }

  #receive(position, payload, text) {
    const delay = now() - (payload?.sent ?? NaN);
    const since = this.#meter.message(text);
    if (!Number.isNaN(delay)) this.#delays += delay;
    this.#show();
    const mine = payload?.from === this.name;
    if (payload?.typing !== undefined) {
      if (!mine) this.#part('.draft').textContent = payload.typing && `${payload.from} writes: ${payload.typing}`;
      return;
    }
    if (!mine) this.#part('.draft').textContent = '';
    const took = [
      Number.isNaN(delay) ? '' : inTime(delay),
      since.requests ? `${since.requests} request${since.requests > 1 ? 's' : ''}` : this.transport.asks ? 'in the same answer' : 'no request',
      this.#meter.known ? inBytes(since.bytes) : '',
    ];
    const bubble = this.#bubble(mine ? 'mine' : 'theirs', payload?.from ?? 'someone', payload?.text ?? JSON.stringify(payload),
      took.filter(Boolean).join(' · '));
    bubble.dataset.position = position;
  }

  #missed(reason) {
    const what = reason === 'recreated'
      ? 'missed: the channel began anew (the relay was started again); what was not read is gone'
      : 'missed: the channel has moved on past what was not read';
    this.#note(what, 'missed');
  }

  #bubble(kind, from, text, took) {
    const line = document.createElement('li');
    line.className = kind;
    const [who, words, small] = ['b', 'span', 'small'].map((tag) => document.createElement(tag));
    [who.textContent, words.textContent, small.textContent] = [from, text, took];
    line.append(who, words, small);
    this.#add(line);
    return line;
  }

  #note(text, kind) {
    const line = document.createElement('li');
    line.className = kind;
    line.textContent = text;
    this.#add(line);
  }

  #add(line) {
    const log = this.#part('.log');
    log.append(line);
    while (log.childElementCount > KEPT) log.firstElementChild.remove();
    log.scrollTop = log.scrollHeight;
  }

  #state(kind, text) {
    this.#part('.state').dataset.state = kind;
    this.#part('.state').textContent = text;
  }

  #show() {
    const { messages, requests, bytes, known, sends, sentBytes } = this.#meter;
    const ways = [sends.frame && `${sends.frame} frame${sends.frame > 1 ? 's' : ''}`, sends.post && `${sends.post} POST${sends.post > 1 ? 's' : ''}`].filter(Boolean);
    this.#part('.sent').textContent = [...ways, known && ways.length && inBytes(sentBytes)].filter(Boolean).join(', ') || '–';
    this.#part('.messages').textContent = messages;
    this.#part('.requests').textContent = requests;
    this.#part('.bytes').textContent = known ? inBytes(bytes) : '–';
    this.#part('.delay').textContent = messages ? inTime(this.#delays / messages) : '–';
  }
}
