// Streaming: one endless answer, a line of JSON for each message.
async function streaming(base, after, on, signal) {
  on.request();
  const answer = await fetch(`${base}/stream${after ? `?after=${after}` : ''}`, { signal });
  if (!answer.ok) throw new Error(`the relay answers ${answer.status}`);
  on.position(answer.headers.get('Relay-Next'));
  const lines = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await lines.read();
    if (done) throw new Error('the stream ended');
    const parts = (rest + value).split('\n');
    rest = parts.pop();
    for (const part of parts) {
      if (part === '') continue; // a heartbeat
      const line = JSON.parse(part);
      if (line.missed) { on.missed(line.missed.reason); continue; }
      on.message(line.position, line.payload);
      on.position(line.position);
    }
  }
}

