// The package `ws` as a peer of scripts/bench: what a client sends goes to all clients but those of
// /publish, or, with --mode echo, back to itself.
import { createServer as createPlain } from 'node:http';
import { createServer as createTls } from 'node:https';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { WebSocketServer } from 'ws';

const { values: options } = parseArgs({
  options: {
    address: { type: 'string', default: '127.0.0.1:0' },
    mode: { type: 'string', default: 'fan-out' },
    deflate: { type: 'boolean', default: false },
    certificate: { type: 'string' },
    key: { type: 'string' },
  },
});
const [host, port] = options.address.split(':');

const server = options.certificate
  ? createTls({ cert: readFileSync(options.certificate), key: readFileSync(options.key) })
  : createPlain();
const sockets = new WebSocketServer({
  server,
  // Like wspushd: no context takeover, level 1, small messages as they are.
  perMessageDeflate: options.deflate && {
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    threshold: 128,
    zlibDeflateOptions: { level: 1 },
  },
});
const subscribers = new Set();

sockets.on('connection', (socket, request) => {
  socket.on('error', () => {});
  if (options.mode === 'echo') {
    socket.on('message', (payload, isBinary) => socket.send(payload, { binary: isBinary }));
    return;
  }
  socket.on('message', (payload, isBinary) => {
    for (const subscriber of subscribers) subscriber.send(payload, { binary: isBinary });
  });
  if (request.url !== '/publish') {
    subscribers.add(socket);
    socket.on('close', () => subscribers.delete(socket));
  }
});

server.listen({ host, port: Number(port), backlog: 4096 }, () => {
  const at = server.address();
  console.error(`listening on ${at.address}:${at.port} (public)`);
});
process.on('SIGTERM', () => process.exit(0));
