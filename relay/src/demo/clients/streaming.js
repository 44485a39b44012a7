// Streaming: one answer that never ends, read by fetch; each line of it is a message.
//
//   import { follow } from '/assets/clients/streaming.js';
//   const stop = new AbortController();
//   await follow('http://127.0.0.1:8080/channels/hello', { on, signal: stop.signal });
//
// It goes on until the signal aborts, and throws when the connection fails: to resume, call it again with the last
// position as `after`. It calls on.request(), on.open(), on.message(position, payload, text), on.position(position)
// and on.missed(reason); `text` is the message as it came.

export async function follow(url, { after, on, signal }) {
  try {
    on.request();
    const answer = await fetch(`${url}/stream${after ? `?after=${after}` : ''}`, { signal });
    if (!answer.ok) throw new Error(`the relay answers ${answer.status}`);
    on.position(answer.headers.get('Relay-Next'));
    on.open();
    const pieces = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { value, done } = await pieces.read();
      if (done) throw new Error('the stream ended');
      // A piece may end in the middle of a line: what is left over waits for the next piece.
      const lines = (rest + value).split('\n');
      rest = lines.pop();
      for (const line of lines) read(line, on);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function read(line, on) {
  if (line === '') return; // a heartbeat
  const { missed, position, payload } = JSON.parse(line);
  if (missed) {
    on.missed(missed.reason);
  } else {
    on.message(position, payload, line);
    on.position(position);
  }
}
