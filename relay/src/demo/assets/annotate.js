// Takes bytes of HTTP, of chunks, of server-sent events and of WebSocket frames apart, and says what each piece is for.
//
// A piece is { kind, bytes, note }, and all pieces together are all of the bytes. Kinds: `line` (of a request or an
// answer), `header`, `framing` (what tells where something ends), `envelope` (position and field names), `payload`.

const CR = 13;
const LF = 10;
const latin = (bytes) => String.fromCharCode(...bytes);

// What a transport adds to HTTP, by header. Others are the browser's own.
const NOTES = {
  host: 'which server is meant: one address can serve many',
  connection: 'whether the connection stays open, or changes its protocol',
  'transfer-encoding': 'the body comes in chunks: nobody knows its length yet',
  'content-length': 'where the body ends',
  'content-type': 'what the body is',
  'cache-control': 'nothing on the way may keep it',
  'x-content-type-options': 'the browser is not to guess what it is',
  'x-accel-buffering': 'a proxy on the way is not to wait for more',
  'relay-next': 'the position to read on from',
  vary: 'a cache may not give one origin what was answered to another',
  date: 'when it was answered; HTTP asks for it',
  upgrade: 'which protocol to go on with',
  'sec-websocket-key': 'a random text; the answer proves that it was read',
  'sec-websocket-accept': 'the hash of the key and a fixed text: not some cached answer',
  'sec-websocket-version': 'the one version that there is',
  'sec-websocket-extensions': 'the browser offers compression; the relay takes none',
  'sec-websocket-protocol': 'what the messages mean: the relay’s own protocol',
  accept: 'what the browser would like to get',
  origin: 'which page asks: the relay decides by it',
};

// Takes one part of a recording apart.
export function annotate({ id, purpose, from, bytes }, payload) {
  const text = latin(bytes.subarray(0, 5));
  if (/^(GET |POST|HTTP)/.test(text)) return message(bytes, payload);
  if (id === 'websocket') return frame(bytes, payload);
  return chunk(bytes, payload);
}

// A request or an answer: its line, its headers, an empty line, its body.
function message(bytes, payload) {
  const pieces = [];
  let at = 0;
  for (;;) {
    const end = lineEnd(bytes, at);
    const line = bytes.subarray(at, end);
    if (line.length === 2) {
      pieces.push({ kind: 'framing', bytes: line, note: 'an empty line ends the head' });
      at = end;
      break;
    }
    pieces.push(at === 0 ? { kind: 'line', bytes: line, note: firstLine(latin(line)) } : header(line));
    at = end;
  }
  return pieces.concat(body(bytes.subarray(at), payload));
}

function firstLine(text) {
  if (text.startsWith('HTTP/')) {
    const status = text.slice(9, 12);
    return { 101: 'yes: from here on it is a WebSocket', 200: 'here it is', 201: 'it is in the log', 204: 'nothing new: there is no body' }[status] ?? status;
  }
  if (text.startsWith('POST')) return 'publish to this channel';
  return 'read this channel after a position';
}

function header(line) {
  const name = latin(line).split(':')[0].toLowerCase();
  if (latin(line).endsWith(': no-cache\r\n')) return { kind: 'header', bytes: line, note: 'the browser wants a fresh answer' };
  return { kind: 'header', bytes: line, note: NOTES[name] ?? '', own: !(name in NOTES) };
}

// A chunk: its size, its bytes, the end of its line.
function chunk(bytes, payload) {
  const start = lineEnd(bytes, 0);
  const size = latin(bytes.subarray(0, start - 2));
  return [
    { kind: 'framing', bytes: bytes.subarray(0, start), note: `the size of the chunk: ${size} in hexadecimal, ${parseInt(size, 16)} bytes` },
    ...body(bytes.subarray(start, -2), payload),
    { kind: 'framing', bytes: bytes.subarray(-2), note: 'the end of the chunk' },
  ];
}

// A body: events line by line, JSON around its payload.
function body(bytes, payload) {
  if (bytes.length === 0) return [];
  if (!/^(retry|id|data|event|:)/.test(latin(bytes.subarray(0, 6)))) return item(bytes, payload);
  const pieces = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(LF, at) + 1;
    pieces.push(...field(bytes.subarray(at, end), payload));
    at = end;
  }
  return pieces;
}

function field(line, payload) {
  const text = latin(line);
  if (text.startsWith('data: ')) {
    return [
      { kind: 'envelope', bytes: line.subarray(0, 6), note: 'the message' },
      { kind: 'payload', bytes: line.subarray(6, -1), note: `the payload, ${line.length - 7} bytes` },
      { kind: 'framing', bytes: line.subarray(-1), note: 'the end of the line' },
    ];
  }
  if (text.startsWith('id:')) return [{ kind: 'envelope', bytes: line, note: 'its position: the browser keeps it, and sends it as Last-Event-ID when it resumes' }];
  if (text.startsWith('retry:')) return [{ kind: 'envelope', bytes: line, note: 'after so many milliseconds the browser connects again' }];
  return [{ kind: 'framing', bytes: line, note: 'an empty line ends the event' }];
}

// JSON around a payload, or without one.
function item(bytes, payload) {
  const at = find(bytes, payload);
  const last = bytes.at(-1) === LF ? [{ kind: 'framing', bytes: bytes.subarray(-1), note: 'the end of the line: one line is one message' }] : [];
  const rest = last.length ? bytes.subarray(0, -1) : bytes;
  if (at < 0) return [{ kind: 'envelope', bytes: rest, note: 'published: its position in the log' }, ...last];
  const end = at + payload.length;
  const lists = latin(rest.subarray(0, at)).startsWith('{"next"');
  return [
    at > 0 && { kind: 'envelope', bytes: rest.subarray(0, at), note: envelope(latin(rest.subarray(0, at)), lists) },
    { kind: 'payload', bytes: rest.subarray(at, end), note: `the payload, ${payload.length} bytes` },
    end < rest.length && { kind: 'envelope', bytes: rest.subarray(end), note: lists ? 'the end of the list; nothing was missed' : 'the end of the object' },
    ...last,
  ].filter(Boolean);
}

function envelope(text, lists) {
  if (lists) return 'where to read on, then the messages, each with its position';
  return text.startsWith('{"publish"') ? 'publish this' : 'the position in the log';
}

// A frame of RFC 6455: two bytes, a longer length, a mask, the payload.
function frame(bytes, payload) {
  const short = bytes[1] & 127;
  const masked = bytes[1] > 127;
  const long = short === 126 ? 2 : 0;
  const length = long ? bytes[2] * 256 + bytes[3] : short;
  const data = 2 + long + (masked ? 4 : 0);
  const pieces = [
    { kind: 'framing', raw: true, bytes: bytes.subarray(0, 1), note: 'the first byte', bits: [['1', 'FIN: the message ends with this frame'], ['000', 'reserved'], ['0001', 'opcode 1: text']] },
    { kind: 'framing', raw: true, bytes: bytes.subarray(1, 2), note: 'the second byte', bits: [
      [masked ? '1' : '0', masked ? 'MASK: a client always masks' : 'MASK: a server never masks'],
      [short.toString(2).padStart(7, '0'), long ? '126: the length follows in two bytes' : `length: ${short} bytes follow`],
    ] },
  ];
  if (long) pieces.push({ kind: 'framing', raw: true, bytes: bytes.subarray(2, 4), note: `length: ${length} bytes follow` });
  if (!masked) return [...pieces, ...item(bytes.subarray(data), payload)];
  const key = bytes.subarray(data - 4, data);
  const clear = bytes.slice(data).map((byte, at) => byte ^ key[at % 4]);
  pieces.push({ kind: 'framing', raw: true, bytes: key, note: 'the mask: a random key, so that no page can make bytes that look like HTTP to a proxy' });
  let at = data;
  for (const piece of item(clear, payload)) {
    const said = new TextDecoder().decode(piece.bytes);
    const hidden = bytes.subarray(at, at + piece.bytes.length);
    pieces.push({ ...piece, raw: true, bytes: hidden, note: `${piece.note}, masked: ${said}` });
    at += piece.bytes.length;
  }
  return pieces;
}

function lineEnd(bytes, from) {
  for (let at = from + 1; at < bytes.length; at += 1) if (bytes[at - 1] === CR && bytes[at] === LF) return at + 1;
  return bytes.length;
}

function find(bytes, part) {
  if (part.length === 0) return -1;
  // From the right: a payload such as 1 may stand in the position too.
  for (let at = bytes.length - part.length; at >= 0; at -= 1) if (part.every((byte, n) => bytes[at + n] === byte)) return at;
  return -1;
}

// How many bytes are of which kind.
export function tally(pieces) {
  const counts = { payload: 0, envelope: 0, framing: 0, header: 0, line: 0 };
  for (const { kind, bytes } of pieces) counts[kind] += bytes.length;
  return counts;
}
