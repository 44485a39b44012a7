// Long polling: ask, and the answer waits for a message; then ask again at once.
async function longPolling(base, after, on, signal) {
  while (!signal.aborted) {
    on.request();
    // Without a position the first answer must not wait: it brings the position to wait from.
    const query = after ? `after=${after}&wait=25s` : 'wait=0s';
    const answer = await fetch(`${base}/messages?${query}`, { signal });
    if (answer.status === 200) {
      const { next, messages, missed } = await answer.json();
      if (missed) on.missed(missed.reason);
      for (const message of messages) on.message(message.position, message.payload);
      after = next;
    } else if (answer.status === 204) {
      after = answer.headers.get('Relay-Next');
    } else {
      throw new Error(`the relay answers ${answer.status}`);
    }
    on.position(after);
  }
}

