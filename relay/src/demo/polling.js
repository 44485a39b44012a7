// Polling: ask every second, read on from where the last answer ended.
async function polling(base, after, on, signal) {
  while (!signal.aborted) {
    on.request();
    const answer = await fetch(`${base}/messages${after ? `?after=${after}` : ''}`, { signal });
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
    await pause(1000, signal);
  }
}

