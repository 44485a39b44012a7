// Server-sent events: the browser reads an endless answer, reconnects by itself, and says where to resume from
// (the header Last-Event-ID).
//
//   import { follow } from '/assets/clients/sse.js';
//   const stop = new AbortController();
//   await follow('http://127.0.0.1:8080/channels/hello', { on, signal: stop.signal });
//
// It goes on until the signal aborts, and throws when the browser gives up: to resume, call it again with the last
// position as `after`. It calls on.request(), on.open(), on.message(position, payload, text), on.position(position)
// and on.missed(reason); `text` is the message as it came.

export function follow(url, { after, on, signal }) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return resolve();
    on.request();
    const source = new EventSource(`${url}/events${after ? `?after=${after}` : ''}`);
    source.onopen = () => on.open();
    source.onmessage = ({ data, lastEventId }) => {
      on.message(lastEventId, JSON.parse(data), data);
      on.position(lastEventId);
    };
    source.addEventListener('missed', ({ data }) => on.missed(JSON.parse(data).reason));
    source.onerror = () => {
      if (source.readyState === EventSource.CONNECTING) on.request(); // the browser tries again by itself
      else end(() => reject(new Error('the relay refuses, and the browser does not try again')));
    };
    const abort = () => end(resolve);
    signal.addEventListener('abort', abort);

    function end(settle) {
      source.close();
      signal.removeEventListener('abort', abort);
      settle();
    }
  });
}
