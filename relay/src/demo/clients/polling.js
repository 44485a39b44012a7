// Polling: ask every `interval` milliseconds, and read on from where the last answer ended.
//
//   import { follow } from '/assets/clients/polling.js';
//   const stop = new AbortController();
//   await follow('http://127.0.0.1:8080/channels/hello', { interval: 1000, on, signal: stop.signal });
//
// It goes on until the signal aborts, and throws when the connection fails: to resume, call it again with the last
// position as `after`. It calls on.request(), on.open(), on.message(position, payload, text), on.position(position)
// and on.missed(reason); `text` is the message as it came.

export async function follow(url, { after, interval = 1000, on, signal }) {
  let open = false;
  while (!signal.aborted) {
    const asked = performance.now();
    try {
      on.request();
      const answer = await fetch(`${url}/messages${after ? `?after=${after}` : ''}`, { signal });
      if (answer.status === 200) {
        const { next, messages, missed } = await answer.json();
        if (missed) on.missed(missed.reason);
        for (const message of messages) on.message(message.position, message.payload, JSON.stringify(message));
        after = next;
      } else if (answer.status === 204) {
        after = answer.headers.get('Relay-Next'); // nothing new
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
    await pause(asked + interval - performance.now(), signal);
  }
}

function pause(time, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, time);
    signal.addEventListener('abort', done);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
