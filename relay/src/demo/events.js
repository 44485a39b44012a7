// Server-sent events: the browser reads, reconnects and resumes by itself.
function events(base, after, on, signal) {
  return new Promise((_, reject) => {
    on.request();
    const source = new EventSource(`${base}/events${after ? `?after=${after}` : ''}`);
    source.onmessage = (event) => {
      on.message(event.lastEventId, JSON.parse(event.data));
      on.position(event.lastEventId);
    };
    source.addEventListener('missed', (event) => on.missed(JSON.parse(event.data).reason));
    source.onopen = () => on.state('connected');
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) reject(new Error('the relay refused'));
      else { on.state('the browser reconnects'); on.request(); }
    };
    signal.addEventListener('abort', () => { source.close(); reject(signal.reason); });
  });
}

