// WebSocket: messages come as text frames. (A client may publish the same way: {"publish":VALUE}.)
function socket(base, after, on, signal) {
  return new Promise((_, reject) => {
    on.request();
    const address = `${base.replace(/^http/, 'ws')}/socket${after ? `?after=${after}` : ''}`;
    const web = new WebSocket(address, 'relay.v1');
    web.onopen = () => on.state('connected');
    web.onmessage = (event) => {
      const frame = JSON.parse(event.data);
      if (frame.missed) on.missed(frame.missed.reason);
      else if (frame.error) on.state(frame.error.message);
      else if (frame.position) { on.message(frame.position, frame.payload); on.position(frame.position); }
    };
    web.onclose = (event) => reject(new Error(`closed ${event.code} ${event.reason}`));
    signal.addEventListener('abort', () => web.close());
  });
}

