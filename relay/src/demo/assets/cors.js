// What a page of another origin may do: what the relay answered, and what the browser let the page see of it.

const $ = (id) => document.getElementById(id);

// Tries what the chat does, and shows it beside the relay's own answers.
export async function showOrigins(relay) {
  const [{ origin, answers }, seen] = await Promise.all([fetch('/answers').then((answer) => answer.json()), attempt(relay)]);
  const allowed = /^access-control-allow-origin:/im.test(said(answers.read));
  $('origins').hidden = false;
  $('origins').dataset.allowed = allowed;
  $('origins-say').replaceChildren(
    'This page is of the origin ', code(origin), '; the relay is at ', code(relay), '. ',
    allowed
      ? 'The relay lists this origin, so the browser lets the page read answers, publish and open a WebSocket.'
      : 'The relay does not list this origin: it refuses, and without the header that would let the page read even that, so '
        + 'the browser keeps it from the page.',
  );
  row('reads a channel', answers.read, seen.read);
  row('asks whether it may publish', answers.preflight, seen.publish);
  row('opens a WebSocket', answers.socket, seen.socket);
  const names = { localhost: '127.0.0.1', '127.0.0.1': 'localhost' };
  const other = names[location.hostname] && `${location.protocol}//${names[location.hostname]}:${location.port}/`;
  $('origins-try').replaceChildren(...(allowed ? [] : ['To allow this page, start the relay with ', code(`--allow-origin ${origin}`), '. ']));
  if (other) {
    const link = document.createElement('a');
    link.href = link.textContent = other;
    $('origins-try').append('The same page by another name is of another origin: ', link);
  }
}

async function attempt(relay) {
  const channel = `${relay}/channels/cors`;
  const tried = (promise) => promise.catch((error) => `${error.name}: ${error.message}`);
  const read = tried(fetch(`${channel}/messages`).then((answer) => `${answer.status}, and its headers`));
  const publish = tried(
    fetch(`${channel}/messages`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '"hello"' })
      .then((answer) => `the answer to its question, and then to its POST: ${answer.status}`),
  );
  const socket = new Promise((resolve) => {
    const web = new WebSocket(`${channel.replace(/^http/, 'ws')}/socket`);
    web.onopen = () => {
      resolve('it opened');
      web.close();
    };
    web.onerror = () => resolve('an error event, without a reason');
  });
  return { read: await read, publish: await publish, socket: await socket };
}

// The text of the relay's answer.
function said(exchange) {
  const { hex } = exchange.find(({ from }) => from === 'relay');
  return new TextDecoder().decode(Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16)));
}

// The line and the fields of an answer that matter here.
function row(what, exchange, seen) {
  const text = said(exchange);
  const [status, ...fields] = text.split('\r\n');
  const kept = fields.filter((field) => /^(access-control-allow|\{)/.test(field));
  const cells = [what, [status, ...(kept.length ? kept : ['(no access-control-allow-origin)'])].join('\n'), seen];
  const line = document.createElement('tr');
  cells.forEach((cell, at) => {
    const element = document.createElement(at === 0 ? 'th' : 'td');
    if (at === 0) element.scope = 'row';
    if (at === 1) element.append(Object.assign(document.createElement('pre'), { textContent: cell }));
    else element.textContent = cell;
    line.append(element);
  });
  $('origins-rows').append(line);
}

function code(text) {
  return Object.assign(document.createElement('code'), { textContent: text });
}
