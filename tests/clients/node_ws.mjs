// The client of real_clients_test.py with Node's `ws`. Arguments: URL, topic.
import WebSocket from 'ws';

const [url, topic] = process.argv.slice(2);
const say = event => console.log(JSON.stringify(event));
const socket = new WebSocket(url, ['wspush.v1'], { perMessageDeflate: true });
const send = command => socket.send(JSON.stringify(command));

socket.on('open', () => {
  say({ event: 'open', subprotocol: socket.protocol, extensions: socket.extensions });
});
socket.on('message', bytes => {
  const said = JSON.parse(bytes.toString());
  if (said.op === 'welcome') send({ op: 'subscribe', id: 1, topic });
  if (said.op === 'subscribed') say({ event: 'subscribed' });
  if (said.op === 'message') {
    say({ event: 'message', data: said.data });
    if (said.data.from === 'client') socket.close(1000);
    else send({ op: 'publish', id: 2, topic, data: { from: 'client', echo: said.data.text } });
  }
});
socket.on('error', error => say({ event: 'error', message: error.message }));
socket.on('close', code => say({ event: 'closed', code }));
