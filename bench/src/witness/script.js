// Runs in a page of the relay: follows channels with the pages' own client code, and notes when what came.
globalThis.witness = (() => {
  // Requests name the page that they come from: a page at the root, as that of simulated clients is.
  history.replaceState(null, '', '/');
  // So many messages, and so many requests, are kept; the rest is counted.
  const MOST = 500000;
  const FAILURES = 20;
  const AGAIN = 500; // ms until a connection that failed is opened again
  const seen = { who: [], at: [], text: [] };
  const asked = [];
  const failures = [];
  let missed = 0;
  let leftOut = 0;
  const abort = new AbortController();
  const { signal } = abort;
  const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));

  function fail(error) {
    if (failures.length < FAILURES) failures.push(String(error));
  }

  // One subscriber: resumes from its last position until it is told to stop.
  async function subscribe(client, who, { url, wait, interval, length }, opened) {
    let after = null;
    const on = {
      request() {
        if (asked.length < MOST) asked.push(performance.now());
      },
      open() {
        opened();
      },
      message(position, payload) {
        const at = performance.now();
        if (seen.at.length >= MOST) {
          leftOut += 1;
          return;
        }
        seen.who.push(who);
        seen.at.push(at);
        seen.text.push(String(payload).slice(0, length));
      },
      position(position) {
        after = position;
      },
      missed() {
        missed += 1;
      },
      refused() {},
    };
    await pause(wait);
    while (!signal.aborted) {
      try {
        await client.follow(url, { after, interval, on, signal });
      } catch (error) {
        if (signal.aborted) return;
        fail(error);
        await pause(AGAIN);
      }
    }
  }

  return {
    // Resolves when every subscriber can receive. Their polls are spread over the interval, as those of so many people.
    async follow({ transport, channels, interval, length, limit }) {
      const client = await import(`${location.origin}/assets/clients/${transport}.js`);
      const open = channels.map((channel, who) => new Promise((resolve) => {
        const url = `${location.origin}/channels/${channel}`;
        const wait = transport === 'polling' ? (interval * who) / channels.length : 0;
        subscribe(client, who, { url, wait, interval, length }, resolve).catch(fail);
      }));
      const late = pause(limit).then(() => {
        throw new Error(failures[0] ?? 'not every subscriber can receive yet');
      });
      await Promise.race([Promise.all(open), late]);
      return { visible: document.visibilityState, origin: performance.timeOrigin };
    },
    count: () => seen.at.length + leftOut,
    // Ends every subscriber and gives all that was noted, as one text.
    leave() {
      abort.abort();
      return JSON.stringify({ ...seen, asked, failures, missed, left_out: leftOut });
    },
  };
})();
