// The chat page: two sides, or one that has the window for itself (`?only=NAME`).
import { showOrigins } from './cors.js';
import { pause } from './keep.js';
import { costs } from './meter.js';
import { Pane } from './pane.js';
import { share, warnIn } from './tabs.js';

const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const place = await (await fetch('/demo.json')).json();
const panes = [];
const held = new Map();
const hold = share(warnIn($('tabs'), 'close a tab, or choose WebSocket, which is counted apart'));

const setting = {
  relay: place.relay ?? location.origin,
  costs: undefined,
  everyKey: () => $('keys').checked,
  changed: () => restart(),
  held(pane, count) {
    held.set(pane, count);
    hold([...held.values()].reduce((sum, each) => sum + each, 0));
  },
  // Where a person reads and writes. An inbox is a channel like any other.
  channels(name) {
    if ($('talk').elements.where.value === 'room') return { reads: `room.${$('room').value}`, writes: `room.${$('room').value}` };
    const other = panes.find((pane) => pane.name !== name)?.name ?? (name === 'alice' ? 'bob' : 'alice');
    return { reads: `user.${name}`, writes: `user.${other}` };
  },
};

function restart() {
  const inboxes = $('talk').elements.where.value === 'inboxes';
  $('room-field').hidden = inboxes;
  if (!inboxes && !$('room').checkValidity()) return;
  const channels = panes.map(({ name }) => ({ name, ...setting.channels(name) }));
  $('channels').textContent = inboxes
    ? `${channels.map(({ name, reads, writes }) => `${name} reads ${reads} and writes to ${writes}`).join('; ')}.`
    : `Both read and write the channel ${channels[0].reads}.`;
  remember();
  for (const pane of panes) pane.start();
}

// The address keeps what another window needs to join in.
function remember() {
  for (const pane of panes) {
    const link = pane.section.querySelector('.alone');
    link.onclick = () => {
      const address = new URL(link.href);
      address.searchParams.set('where', $('talk').elements.where.value);
      address.searchParams.set('room', $('room').value);
      link.href = address;
    };
  }
}

function add(name, transport) {
  const section = $('pane').content.cloneNode(true).firstElementChild;
  $('panes').append(section);
  panes.push(new Pane(section, name, transport, setting));
}

async function duet() {
  const lines = ['I can write while you write,', 'and both of us arrive as we go.'];
  $('duet').disabled = true;
  await Promise.all(panes.map((pane, at) => pane.type(lines[at % lines.length], () => pause(60))));
  $('duet').disabled = false;
}

if (query.get('where') === 'inboxes') $('talk').elements.where.value = 'inboxes';
if (query.get('room')) $('room').value = query.get('room');
const only = query.get('only');
if (only) {
  add(only, query.get('transport') ?? 'websocket');
  document.body.classList.add('only');
  $('duet').textContent = `Let ${only} type`;
} else {
  add('alice', query.get('alice') ?? 'websocket');
  add('bob', query.get('bob') ?? 'polling');
}
$('talk').onsubmit = (event) => event.preventDefault();
$('talk').onchange = (event) => event.target.id !== 'keys' && restart();
$('duet').onclick = duet;
if (place.relay) {
  // The other pages are the relay's.
  for (const link of document.querySelectorAll('.top a:not([aria-current])')) link.href = place.relay + link.getAttribute('href');
  await showOrigins(place.relay);
}
setting.costs = await costs(setting.relay).catch(() => undefined); // a foreign page is not told
restart();
document.documentElement.dataset.ready = 'true';
