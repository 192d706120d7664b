// EventSource and long poll in a real browser, against the real daemon: from the same origin through
// a proxy that can cut, and from another one.
//
//   WSPUSHD=build/release/wspushd node tests/browser/eventsource_test.mjs
//
// CHROMIUM and the exit codes are those of demo_test.mjs.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import http from 'node:http';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Daemon, Proxy, free_port } from './daemon.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const wspushd = resolve(process.env.WSPUSHD ?? join(root, 'build/release/wspushd'));
const browser_path = process.env.CHROMIUM ?? '/usr/bin/chromium';
const history_messages = 100;   // of a topic, in the built-in default

const playwright = await import('playwright-core').catch(() => null);
if (!playwright || !existsSync(browser_path)) {
  console.log(`skipped: no ${playwright ? browser_path : 'playwright-core'}`);
  process.exit(77);
}

let passed = 0, failed = 0;
async function test(name, body) {
  try {
    await body();
    passed++;
    console.log(`ok      ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name}\n        ${String(error.stack).replace(/\n/g, '\n        ')}`);
  }
}

// A page of another origin, with nothing in it.
const elsewhere = http.createServer((_, answer) => {
  answer.writeHead(200, { 'content-type': 'text/html' });
  answer.end('<!doctype html><title>elsewhere</title>');
});
elsewhere.listen(0, '127.0.0.1');
await once(elsewhere, 'listening');
const other_origin = `http://127.0.0.1:${elsewhere.address().port}`;

const daemon = new Daemon(wspushd, await free_port(), await free_port(),
  [`origins=["same", "${other_origin}"]`]);
await daemon.start();
const proxy = new Proxy(daemon.public_port);
await proxy.start();
const browser = await playwright.chromium.launch({
  executablePath: browser_path, args: ['--no-sandbox', '--disable-dev-shm-usage'] });

/// A tab that keeps what an EventSource of `address` hears.
async function listen(page_address, address) {
  const page = await browser.newPage();
  await page.goto(page_address);
  await page.evaluate(source_address => {
    window.heard = [];
    window.opened = 0;
    window.source = new EventSource(source_address);
    source.onopen = () => window.opened++;
    source.onmessage = event => heard.push(event.data);
    source.addEventListener('gap', event => heard.push({ gap: JSON.parse(event.data) }));
  }, address);
  await page.waitForFunction(() => window.opened === 1);
  return page;
}

async function hears(page, wanted) {
  await page.waitForFunction(count => heard.length >= count, wanted.length, { timeout: 15000 });
  assert.deepEqual(await page.evaluate(() => heard), wanted);
}

const home = `http://127.0.0.1:${proxy.port}/`;

await test('Messages arrive as they were published', async () => {
  const page = await listen(home, '/topics/es.one');
  await daemon.publish('es.one', { n: 1 });
  await daemon.publish('es.one', 'two\nlines');
  await hears(page, ['{"n":1}', '"two\\nlines"']);
  await page.close();
});

await test('One that was cut off before its first message misses nothing', async () => {
  const page = await listen(home, '/topics/es.two');
  proxy.cut();
  await daemon.publish('es.two', 'while away');
  proxy.mend();
  await hears(page, ['"while away"']);
  await page.close();
});

await test('It comes back by itself and goes on where it was', async () => {
  const page = await listen(home, '/topics/es.three?after=first');
  const wanted = [];
  for (let round = 0; round < 3; round++) {
    await daemon.publish('es.three', round);
    wanted.push(String(round));
    await hears(page, wanted);
    proxy.cut();
    await daemon.publish('es.three', `missed ${round}`);
    wanted.push(`"missed ${round}"`);
    proxy.mend();
    await hears(page, wanted);
  }
  await page.close();
});

await test('What is lost is a gap', async () => {
  const page = await listen(home, '/topics/es.four');
  await daemon.publish('es.four', 'first');
  await hears(page, ['"first"']);
  proxy.cut();
  for (let i = 0; i < history_messages + 5; i++) await daemon.publish('es.four', i);
  proxy.mend();
  await page.waitForFunction(count => heard.length >= count, history_messages + 2,
    { timeout: 15000 });
  const heard = await page.evaluate(() => window.heard);
  assert.equal(heard[1].gap.topic, 'es.four');
  assert.equal(Number(heard[1].gap.next.split('-')[1]) - Number(heard[1].gap.after.split('-')[1]), 6);
  assert.deepEqual(heard.slice(2),
    Array.from({ length: history_messages }, (_, i) => String(i + 5)));
  await page.close();
});

await test('A page of an origin that is listed may read, with the headers of a reader', async () => {
  const server = `http://127.0.0.1:${daemon.public_port}`;
  const page = await listen(`${other_origin}/`, `${server}/topics/es.five`);
  await daemon.publish('es.five', 5);
  await hears(page, ['5']);
  const polled = await page.evaluate(async address => {
    const start = await fetch(address);
    const position = start.headers.get('Wspush-Last');
    const next = await fetch(`${address}?wait=0&after=${position}`,
      { credentials: 'include', headers: { 'Cache-Control': 'no-cache' } });   // asks for a preflight
    return [start.status, next.status, next.headers.get('Wspush-Last') === position];
  }, `${server}/topics/es.five`);
  assert.deepEqual(polled, [204, 204, true]);
  await page.close();
});

await test('A page of any other origin may not', async () => {
  const page = await browser.newPage();
  await page.goto(`${other_origin.replace('127.0.0.1', 'localhost')}/`);
  const outcome = await page.evaluate(address => new Promise(done => {
    const source = new EventSource(address);
    source.onopen = () => done('opened');
    source.onerror = () => done(source.readyState === EventSource.CLOSED ? 'refused' : 'tries again');
  }), `http://127.0.0.1:${daemon.public_port}/topics/es.six`);
  assert.equal(outcome, 'refused');
  await page.close();
});

await browser.close();
proxy.stop();
elsewhere.close();
await daemon.stop('SIGKILL');
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
