const transports = [
  ['Polling', 'asks every second', polling],
  ['Long polling', 'asks, the answer waits', longPolling],
  ['Streaming', 'one endless answer of lines', streaming],
  ['SSE', 'one endless answer of events', events],
  ['WebSocket', 'frames both ways', socket],
];
const $ = (id) => document.getElementById(id);
const base = () => `${location.origin}/channels/${encodeURIComponent($('channel').value)}`;
const panes = [];

function pause(time, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, time);
    signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

// One pane: runs its transport, and after a failure resumes from the last position.
function pane([name, what, transport]) {
  const section = $('pane').content.cloneNode(true).firstElementChild;
  const part = (selector) => section.querySelector(selector);
  let abort = null, after = null, count = 0, requests = 0;
  part('h2').textContent = name;
  part('.what').textContent = what;

  function show(text, small, kind) {
    const line = document.createElement('li');
    line.className = kind;
    const note = document.createElement('small');
    note.textContent = small;
    line.append(note, text);
    part('ol').prepend(line);
    while (part('ol').childElementCount > 100) part('ol').lastElementChild.remove();
  }
  const on = {
    request() { part('.requests').textContent = ++requests; },
    position(position) { after = position; on.state('connected'); },
    state(text) { part('.state').textContent = text; },
    missed(reason) { show(`missed messages: ${reason}`, '', 'missed'); },
    message(position, payload) {
      part('.count').textContent = ++count;
      const timed = payload && typeof payload === 'object' && payload.sent;
      const delay = timed ? `${(performance.timeOrigin + performance.now() - payload.sent).toFixed(1)} ms` : '';
      if (timed) part('.delay').textContent = delay;
      show(timed ? payload.text : JSON.stringify(payload), delay, '');
    },
  };
  async function run() {
    abort = new AbortController();
    const { signal } = abort;
    section.className = 'on';
    while (!signal.aborted) {
      on.state('connecting');
      try { await transport(base(), after, on, signal); } catch (error) {
        if (signal.aborted) break;
        on.state(`${error.message}; trying again`);
        await pause(1000, signal);
      }
    }
  }
  function stop() { abort?.abort(new Error('paused')); section.className = 'off'; on.state('paused'); }
  part('.toggle').onclick = () => {
    const running = section.className === 'on';
    if (running) stop(); else run();
    part('.toggle').textContent = running ? 'Resume' : 'Pause';
  };
  $('panes').append(section);
  run();
  return { section, restart() { stop(); after = null; run(); part('.toggle').textContent = 'Pause'; } };
}

async function publish(text) {
  const value = { text, sent: performance.timeOrigin + performance.now() };
  const answer = await fetch(`${base()}/messages`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value),
  });
  const body = await answer.json();
  $('status').textContent = answer.ok ? `published at ${body.position}` : body.error.message;
}

$('publish').onsubmit = (event) => { event.preventDefault(); publish($('message').value); };
$('burst').onclick = async () => { for (let n = 1; n <= 20; n++) await publish(`${$('message').value} ${n}`); };
$('channel').onchange = () => { if ($('channel').checkValidity()) panes.forEach((each) => each.restart()); };
transports.forEach((transport) => panes.push(pane(transport)));
// `/#hello` publishes once by itself, for a first look.
if (location.hash) setTimeout(() => publish(decodeURIComponent(location.hash.slice(1))), 500);
