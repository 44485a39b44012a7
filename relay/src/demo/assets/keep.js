// Follows a channel for good: when a connection fails, it resumes from the last position.

// Gives the position from which on everything is new.
export async function head(url, signal) {
  const answer = await fetch(`${url}/messages`, { signal });
  const position = answer.headers.get('Relay-Next');
  if (!position) throw new Error(`the relay answers ${answer.status}`);
  return position;
}

// Runs a transport's `follow` again and again until the signal aborts. `on` is what `follow` takes, and on.lost(error)
// is called after each failure. Without a position it asks for one first, so that no failure can lose a message.
export async function keepFollowing(follow, url, { after, interval, on, signal }) {
  const longest = 2000;
  let wait = 250;
  const noted = {
    ...on,
    position(position) {
      after = position;
      on.position(position);
    },
    open(publish) {
      wait = 250;
      on.open(publish);
    },
  };
  while (!signal.aborted) {
    try {
      if (!after) noted.position(await head(url, signal));
      await follow(url, { after, interval, on: noted, signal });
    } catch (error) {
      if (signal.aborted) return;
      on.lost(error);
      await pause(wait, signal);
      wait = Math.min(2 * wait, longest);
    }
  }
}

export function pause(time, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, time);
    signal?.addEventListener('abort', done);
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
  });
}

// Publishes a value by POST and gives its position.
export async function post(url, value, signal) {
  const answer = await fetch(`${url}/messages`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(value),
    signal,
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error.message);
  return body.position;
}

// The time of day in milliseconds, finer than Date.now(): the same clock in all pages of a machine.
export function now() {
  return performance.timeOrigin + performance.now();
}
