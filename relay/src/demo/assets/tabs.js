// A browser opens six HTTP/1.1 connections to a host, for all of its tabs together. Pages that hold some of them tell
// each other, so that a person is warned before everything stands still.

const SIX = 6;
const NEEDED = 2; // for polls and for publishing

// Tells the other tabs how many connections this one holds; `warn(held)` is called with the sum when too few are left,
// and with 0 when there are enough. Gives a function that sets the number.
export function share(warn) {
  const channel = new BroadcastChannel('relay.connections');
  const me = crypto.getRandomValues(new Uint32Array(1))[0];
  const others = new Map();
  let held = 0;
  const tell = (ask) => channel.postMessage({ me, held, ask });
  const judge = () => {
    const sum = [...others.values()].reduce((total, count) => total + count, held);
    warn(others.size > 0 && sum > SIX - NEEDED ? sum : 0);
  };
  channel.onmessage = ({ data }) => {
    if (data.held > 0) others.set(data.me, data.held);
    else others.delete(data.me);
    if (data.ask) tell(false);
    judge();
  };
  addEventListener('pagehide', () => {
    held = 0;
    tell(false);
  });
  tell(true);
  return (count) => {
    if (count === held) return;
    held = count;
    tell(false);
    judge();
  };
}

// Writes the warning into an element, with what helps.
export function warnIn(element, remedy) {
  return (held) => {
    element.hidden = held === 0;
    element.textContent = held === 0 ? '' : `Another tab is open too, and together they hold ${held} of the six connections `
      + `that a browser opens to a host. Messages may wait for a free one: ${remedy}.`;
  };
}
