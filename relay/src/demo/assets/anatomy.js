// The bytes of one delivery by each transport, as the relay recorded them.

// Asks the relay for a recording: { payload, transports: { polling: [{ purpose, from, bytes }, ...], ... } }.
export async function record(relay, payload) {
  const query = payload === undefined ? '' : `?payload=${encodeURIComponent(JSON.stringify(payload))}`;
  const answer = await fetch(`${relay}/explain/deliveries${query}`);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error.message);
  for (const said of Object.values(body.transports)) {
    for (const part of said) part.bytes = fromHex(part.hex);
  }
  return body;
}

export function fromHex(hex) {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// How many bytes were sent for a purpose, by one side or by both.
export function count(said, purpose, from) {
  const fits = (part) => part.purpose === purpose && (!from || part.from === from);
  return said.filter(fits).reduce((sum, part) => sum + part.bytes.length, 0);
}
