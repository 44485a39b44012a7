// WebSocket: one connection, and both sides speak whenever they like.
//
//   import { follow } from '/assets/clients/websocket.js';
//   const stop = new AbortController();
//   await follow('http://127.0.0.1:8080/channels/hello', { on, signal: stop.signal });
//
// It goes on until the signal aborts, and throws when the connection fails: to resume, call it again with the last
// position as `after`. It calls on.request(), on.open(publish), on.message(position, payload, text),
// on.position(position) and on.missed(reason); `text` is the message as it came. `publish(value)` sends a message
// to the channel on the same connection; if the relay takes it not, on.refused(error) is called, where there is one.

export async function follow(url, { after, on, signal }) {
  try {
    // A page cannot see the headers of a handshake. Without a position, ask for it first: a connection that breaks
    // before its first message could not resume otherwise.
    if (!after) {
      on.request();
      const answer = await fetch(`${url}/messages`, { signal });
      after = answer.headers.get('Relay-Next');
      if (answer.status !== 204) throw new Error(`the relay answers ${answer.status}`);
      on.position(after);
    }
    await listen(`${url.replace(/^http/, 'ws')}/socket?after=${after}`, on, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function listen(address, on, signal) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return resolve();
    on.request();
    const socket = new WebSocket(address, 'relay.v1');
    socket.onopen = () => on.open((value) => socket.send(JSON.stringify({ publish: value })));
    socket.onmessage = ({ data }) => {
      const { missed, error, position, payload } = JSON.parse(data);
      if (missed) on.missed(missed.reason);
      if (error) on.refused?.(error);
      if (position) {
        on.message(position, payload, data);
        on.position(position);
      }
    };
    const abort = () => {
      socket.onmessage = null;
      socket.close();
    };
    signal.addEventListener('abort', abort);
    socket.onclose = ({ code, reason }) => {
      signal.removeEventListener('abort', abort);
      if (signal.aborted) resolve();
      else reject(new Error(`the connection closed (${code}${reason && `: ${reason}`})`));
    };
  });
}
