// The five transports, in the order in which they came about. Each client is a file of its own.
import { follow as polling } from './clients/polling.js';
import { follow as longPolling } from './clients/long-polling.js';
import { follow as streaming } from './clients/streaming.js';
import { follow as sse } from './clients/sse.js';
import { follow as websocket } from './clients/websocket.js';

export const transports = [
  { id: 'polling', name: 'Polling', short: 'Poll', what: 'asks again and again', follow: polling, asks: true },
  { id: 'long-polling', name: 'Long polling', short: 'Long poll', what: 'asks, and the answer waits', follow: longPolling, asks: true, holds: true },
  { id: 'streaming', name: 'Streaming', short: 'Stream', what: 'one answer of lines that never ends', follow: streaming, holds: true },
  { id: 'sse', name: 'SSE', short: 'SSE', what: 'one answer of events that never ends', follow: sse, holds: true },
  // A browser counts WebSockets apart: they take none of the six connections.
  { id: 'websocket', name: 'WebSocket', short: 'Socket', what: 'one connection, both ways', follow: websocket },
];

export const byId = Object.fromEntries(transports.map((transport) => [transport.id, transport]));
