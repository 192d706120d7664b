// What the browser tests run against: the real daemon on free ports, the feed piped into it, and a
// TCP proxy that can cut what goes through it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';

/// A port that was free a moment ago. The daemon is told its ports (it must come back on the same
/// ones), so port 0 will not do.
export async function free_port() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/// One wspushd with the built-in default config, its ports and `settings` (`key=value` of --set).
export class Daemon {
  constructor(binary, public_port, internal_port, settings = []) {
    this.binary = binary;
    this.public_port = public_port;
    this.api = `http://127.0.0.1:${internal_port}`;
    this.arguments = [
      `listen=[{address: "127.0.0.1:${public_port}"}]`,
      `internal.address=127.0.0.1:${internal_port}`,
      ...settings,
    ].flatMap(setting => ['--set', setting]);
    this.log = '';
  }

  /// Returns once /readyz says 200. Throws with the log where the daemon ends or 10 s go by.
  async start() {
    this.process = spawn(this.binary, this.arguments, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.ended = once(this.process, 'exit');
    this.process.stderr.on('data', text => { this.log = (this.log + text).slice(-20000); });
    const deadline = Date.now() + 10000;
    for (;;) {
      if (this.process.exitCode !== null) throw new Error(`the daemon ended:\n${this.log}`);
      if (Date.now() > deadline) throw new Error(`the daemon is not ready:\n${this.log}`);
      const answer = await fetch(`${this.api}/readyz`).catch(() => null);
      if (answer?.ok) return;
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }

  async stop(signal) {
    if (!this.process || this.process.exitCode !== null || this.process.signalCode) return;
    this.process.kill(signal);
    await this.ended;
  }

  /// Publishes a JSON message by the API. Throws unless it was taken.
  async publish(topic, data) {
    const answer = await fetch(`${this.api}/api/topics/${topic}/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(data),
    });
    if (answer.status !== 201) throw new Error(`publish: ${answer.status} ${await answer.text()}`);
  }

  /// Closes a connection by the API.
  async terminate(connection) {
    const answer = await fetch(`${this.api}/api/connections/${connection}`, { method: 'DELETE' });
    if (answer.status !== 204) throw new Error(`terminate: ${answer.status}`);
  }
}

/// `feed | wspush pub --ndjson`, as a user starts it.
export class Feed {
  constructor(script, wspush, api) { Object.assign(this, { script, wspush, api }); }

  start() {
    this.readings = spawn(this.script, ['--interval', '0.5'],
      { stdio: ['ignore', 'pipe', 'inherit'] });
    this.publisher = spawn(this.wspush, ['pub', '--ndjson', '--api', this.api],
      { stdio: ['pipe', 'ignore', 'pipe'] });
    this.readings.stdout.pipe(this.publisher.stdin);
    this.publisher.stdin.on('error', () => {});   // the publisher is gone: so is the test's daemon
    this.publisher.stderr.resume();
    this.ended = [this.readings, this.publisher].map(process => once(process, 'exit'));
  }

  async stop() {
    this.readings?.kill('SIGTERM');
    this.publisher?.kill('SIGTERM');
    await Promise.all(this.ended ?? []);
  }
}

/// Forwards TCP from a port of its own to `target`. `cut()` resets every connection and refuses
/// new ones until `mend()`.
export class Proxy {
  constructor(target) {
    this.sockets = new Set();
    this.is_cut = false;
    this.server = net.createServer(client => {
      if (this.is_cut) return client.resetAndDestroy();
      const upstream = net.connect(target, '127.0.0.1');
      for (const [from, to] of [[client, upstream], [upstream, client]]) {
        this.sockets.add(from);
        from.setNoDelay(true);
        from.on('error', () => {});
        from.on('close', () => { this.sockets.delete(from); to.destroy(); });
        from.pipe(to);
      }
    });
  }

  async start() {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = this.server.address().port;
  }

  cut() {
    this.is_cut = true;
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  mend() { this.is_cut = false; }

  stop() {
    this.cut();
    this.server.close();
  }
}
