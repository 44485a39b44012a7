// Long polling: ask, and the answer waits until there is a message; then ask again at once.
//
//   import { follow } from '/assets/clients/long-polling.js';
//   const stop = new AbortController();
//   await follow('http://127.0.0.1:8080/channels/hello', { on, signal: stop.signal });
//
// It goes on until the signal aborts, and throws when the connection fails: to resume, call it again with the last
// position as `after`. It calls on.request(), on.open(), on.message(position, payload, text), on.position(position)
// and on.missed(reason); `text` is the message as it came.

export async function follow(url, { after, on, signal }) {
  let open = false;
  while (!signal.aborted) {
    try {
      on.request();
      // The first answer does not wait: it tells that the relay is there, and brings the position to wait from.
      const query = `wait=${open ? '25s' : '0s'}${after ? `&after=${after}` : ''}`;
      const answer = await fetch(`${url}/messages?${query}`, { signal });
      if (answer.status === 200) {
        const { next, messages, missed } = await answer.json();
        if (missed) on.missed(missed.reason);
        for (const message of messages) on.message(message.position, message.payload, JSON.stringify(message));
        after = next;
      } else if (answer.status === 204) {
        after = answer.headers.get('Relay-Next'); // the wait is over, and nothing came
      } else {
        throw new Error(`the relay answers ${answer.status}`);
      }
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    if (!open) on.open();
    open = true;
    on.position(after);
  }
}
