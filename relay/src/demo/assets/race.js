// The race page: publishes to one channel and receives by all five transports at once.
import { keepFollowing, now, pause, post } from './keep.js';
import { drawAxis, Lane, Scale } from './lanes.js';
import { costs, inBytes, inTime, inWhole, Meter } from './meter.js';
import { Table } from './table.js';
import { share, warnIn } from './tabs.js';
import { transports } from './transports.js';

const INTERVALS = [100, 200, 500, 1000, 2000, 5000]; // milliseconds
const RATES = [0.5, 1, 2, 5, 10, 20]; // messages a second
const MOST = 20; // publishes at once

const $ = (id) => document.getElementById(id);
// A channel of its own: what another window publishes is no part of this race.
const channel = `race.${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`;
const url = `${location.origin}/channels/${channel}`;
const scale = new Scale();
const table = new Table($('rows'), $('heads'), transports);
const cost = await costs(location.origin).catch(() => ({}));
const hold = share(warnIn($('tabs'), 'close one of the tabs'));
const runners = transports.map(prepare);
let publishing = null;
let number = 0;
let onTheirWay = 0;
let round = 0; // what was published before a start over counts no more

const interval = () => INTERVALS[$('interval').value];
const rate = () => RATES[$('rate').value];

// One transport's runner: follows the channel, and can be started anew from where it was.
function prepare(transport) {
  const element = $('lane').content.cloneNode(true).firstElementChild;
  $('lanes').append(element);
  const runner = { transport, lane: new Lane(element, transport, scale), meter: null, after: undefined, stop: null };
  runner.show = () => {
    const { requests, messages, bytes, known } = runner.meter;
    runner.lane.figures({ requests, bytes: known && messages ? inBytes(bytes / messages) : '–' });
  };
  runner.clear = () => {
    runner.meter = new Meter(transport.id, cost[transport.id]);
    runner.lane.clear();
    runner.show();
  };
  runner.start = () => {
    runner.stop?.abort();
    runner.stop = new AbortController();
    keepFollowing(transport.follow, url, { after: runner.after, interval: interval(), on: callbacks(runner), signal: runner.stop.signal });
  };
  runner.clear();
  return runner;
}

function callbacks(runner) {
  const { lane, transport } = runner;
  return {
    request: () => {
      runner.meter.request();
      runner.show();
    },
    open: () => {
      runner.meter.reached();
      lane.state('on', '');
    },
    position: (position) => {
      runner.meter.reached();
      runner.after = position;
    },
    message(_, payload, text) {
      const delay = now() - payload.sent;
      if (payload.round !== round) return;
      runner.meter.message(text);
      lane.state('on', '');
      runner.show();
      lane.dot(delay);
      table.received(payload.number, transport.id, delay);
      tell();
    },
    missed: (reason) => lane.state('lost', reason === 'recreated' ? 'missed: the channel began anew' : 'missed: the channel has moved on'),
    lost: (error) => {
      runner.meter.failed();
      lane.state('lost', `${error.message}; tries again`);
    },
  };
}

// Publishes once in each period, at a random moment of it: on a beat, all messages would meet the same moment of the
// polls. It does not wait for the answer to one before it sends the next.
async function publish(signal) {
  for (let period = now(); !signal.aborted; period += 1000 / rate()) {
    await pause(period + (Math.random() * 1000) / rate() - now(), signal);
    if (signal.aborted) return;
    if (now() - period > 5000) period = now(); // the page was asleep: nothing is made up for
    if (onTheirWay >= MOST) continue; // the relay does not answer: the lanes say so
    const message = { number: (number += 1), round, sent: now() };
    table.published(message.number);
    onTheirWay += 1;
    post(url, message, signal).catch(() => {}).finally(() => (onTheirWay -= 1));
  }
}

// Says in a sentence what the picture shows.
function tell() {
  const [polling, ...others] = runners.map(({ lane }) => lane);
  if (polling.count < 3 || others.some((lane) => lane.count < 3)) return;
  const means = others.map((lane) => lane.mean);
  const text = `Polling every ${inWhole(interval())} is late by ${inTime(polling.mean)} on average; half of the interval is `
    + `${inWhole(interval() / 2)}. The other four take ${inTime(Math.min(...means))} to ${inTime(Math.max(...means))}.`;
  if ($('finding').textContent !== text) $('finding').textContent = text;
}

function draw() {
  $('interval-text').textContent = inWhole(interval());
  $('interval').setAttribute('aria-valuetext', $('interval-text').textContent);
  $('rate-text').textContent = `${rate()} message${rate() === 1 ? '' : 's'} a second`;
  $('rate').setAttribute('aria-valuetext', $('rate-text').textContent);
  scale.log = $('log').checked;
  scale.most = Math.max(interval() * 1.08, 200);
  drawAxis($('axis'), scale);
  runners.forEach(({ lane, transport }) => lane.draw(transport.id === 'polling' ? interval() : 0));
}

function startOver() {
  round += 1;
  table.clear();
  $('finding').textContent = 'The first messages are on their way.';
  runners.forEach((runner) => runner.clear());
  draw();
}

function toggle() {
  const running = publishing !== null;
  if (running) {
    publishing.abort();
    publishing = null;
    runners.forEach(({ stop, lane }) => {
      stop.abort();
      lane.state('paused', 'paused');
    });
    hold(0);
  } else {
    publishing = new AbortController();
    runners.forEach((runner) => runner.start());
    hold(transports.filter(({ holds }) => holds).length);
    publish(publishing.signal);
  }
  $('toggle').textContent = running ? 'Go on' : 'Pause';
}

$('controls').onsubmit = (event) => event.preventDefault();
$('interval').oninput = draw;
// Delays under another interval are another experiment.
$('interval').onchange = () => {
  startOver();
  if (publishing) runners[0].start();
};
$('rate').oninput = draw;
$('log').onchange = draw;
$('toggle').onclick = toggle;
$('reset').onclick = startOver;
draw();
toggle();
document.documentElement.dataset.ready = 'true';
