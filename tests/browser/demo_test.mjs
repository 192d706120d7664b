// The demo page in a real browser, against the real daemon and the real feed.
//
//   npm install --no-package-lock        once, here: playwright-core, which brings no browser
//   WSPUSHD=build/release/wspushd WSPUSH=build/release/wspush node tests/browser/demo_test.mjs
//
// CHROMIUM names the browser (default /usr/bin/chromium), WSPUSH_SCREENSHOTS the directory for the
// pictures (default build/screenshots). Prints `N passed, N failed`; exits with 0, 1, or with 77
// where playwright-core or the browser is missing.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Daemon, Feed, Proxy, free_port } from './daemon.mjs';
import { Tab } from './tab.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const wspushd = resolve(process.env.WSPUSHD ?? join(root, 'build/release/wspushd'));
const wspush = resolve(process.env.WSPUSH ?? join(root, 'build/release/wspush'));
const browser_path = process.env.CHROMIUM ?? '/usr/bin/chromium';
const pictures = resolve(process.env.WSPUSH_SCREENSHOTS ?? join(root, 'build/screenshots'));
const history_messages = 100;   // of a topic, in the built-in default

const playwright = await import('playwright-core').catch(() => null);
if (!playwright || !existsSync(browser_path)) {
  console.log(`skipped: no ${playwright ? browser_path : 'playwright-core'}`);
  process.exit(77);
}
mkdirSync(pictures, { recursive: true });

let passed = 0, failed = 0;
async function test(name, body) {
  const began = Date.now();
  try {
    await body();
    passed++;
    console.log(`ok      ${name} (${Date.now() - began} ms)`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name}\n        ${String(error.stack).replace(/\n/g, '\n        ')}`);
  }
}

// A machine may be idle or busy throughout: one of the figures changes, whatever it does.
async function readings_move(tab) {
  const outputs = ['#cpu-now', '#cpu-more', '#memory-more', '#cache-now', '#lo-now'];
  const count = tab.ledger.received.get('demo.machine.cpu').length;
  const before = await Promise.all(outputs.map(output => tab.text(output)));
  await tab.until(([selectors, old]) => selectors.some((selector, i) =>
    document.querySelector(selector).textContent !== old[i]), [outputs, before]);
  // The figure may have been another topic's: the CPU's own reading follows.
  for (const deadline = Date.now() + 20000; tab.ledger.received.get('demo.machine.cpu').length <= count;) {
    assert.ok(Date.now() < deadline, 'no reading of the CPU came');
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

const daemon = new Daemon(wspushd, await free_port(), await free_port());
await daemon.start();
const proxy = new Proxy(daemon.public_port);
await proxy.start();
const feed = new Feed(join(root, 'scripts/feed'), wspush, daemon.api);
feed.start();
const browser = await playwright.chromium.launch({
  executablePath: browser_path,
  headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
    '--disable-background-networking', '--disable-component-update'],
});
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
context.setDefaultTimeout(20000);
const direct = `http://127.0.0.1:${daemon.public_port}/`;

// Tab A comes through the proxy, so that its connection can be cut; tab B comes straight.
const a = await Tab.open(context, `http://127.0.0.1:${proxy.port}/`);
const b = await Tab.open(context, direct);

await test('Both tabs connect and say which server they talk to', async () => {
  for (const tab of [a, b]) {
    await tab.state('connected');
    assert.match(await tab.text('#server'), /wspushd \d+\.\d+\.\d+.* connection \S+/);
  }
});

await test('The charts show the readings that the feed sends, and they move', async () => {
  for (const [name, output, shown] of [
    ['cpu', '#cpu-now', data => `${data.busy.toFixed(1)} %`],
    ['memory', '#memory-now', data => `${(data.used / data.total * 100).toFixed(1)} %`],
  ]) {
    await a.until(selector => /\d/.test(document.querySelector(selector).textContent), output);
    const text = await a.text(output);
    const sent = a.ledger.received.get(`demo.machine.${name}`);
    assert.ok(sent.map(shown).includes(text), `${output} shows ${text}`);
  }
  await readings_move(a);
  for (const id of ['cpu-chart', 'memory-chart', 'network-chart']) {
    // A curve leaves far more than the few columns of a single reading.
    await a.until(canvas_id => {
      const canvas = document.getElementById(canvas_id);
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      const columns = new Set();
      for (let i = 0; i < data.length; i += 4) {
        const spread = Math.max(data[i], data[i + 1], data[i + 2])
          - Math.min(data[i], data[i + 1], data[i + 2]);
        if (data[i + 3] > 200 && spread > 60) columns.add(i / 4 % canvas.width);
      }
      return columns.size > 8;
    }, id);
  }
});

await test('The picture comes as a binary message and is decoded', async () => {
  await a.until(() => {
    const image = document.getElementById('picture');
    return image.dataset.pushed === 'true' && image.complete && image.naturalWidth > 0;
  });
  assert.deepEqual([...a.binary.at(-1).subarray(0, 4)], [0x89, 0x50, 0x4e, 0x47]);
  const size = await a.page.$eval('#picture', image => [image.naturalWidth, image.naturalHeight]);
  assert.deepEqual(size, [360, 120]);
  assert.match(await a.text('#picture-note'), new RegExp(
    `^${a.binary.at(-1).length.toLocaleString('en')} bytes, pushed`));
});

await test('A chat message of one tab appears in the other, both ways', async () => {
  await a.say('from A to B');
  await b.hears('from A to B');
  await b.say('from B to A');
  for (const tab of [a, b]) {  // Each hears itself, too: not before the other one, necessarily.
    await tab.hears('from A to B');
    await tab.hears('from B to A');
  }
  assert.deepEqual(await a.chat(), ['from A to B', 'from B to A']);
  assert.deepEqual(await b.chat(), ['from A to B', 'from B to A']);
});

await test('Markup in a chat message stays text, whoever sends it', async () => {
  const markup = '<img src=x onerror="document.title=1"><b>bold</b>';
  await a.say(markup);
  await b.hears(markup);
  await daemon.publish('demo.chat', { text: markup + '2', name: markup, t: 'never', key: 7 });
  await daemon.publish('demo.chat', markup + '3');
  await daemon.publish('demo.chat', { other: [1, null] });
  await daemon.publish('demo.chat', null);
  await b.hears(markup + '2');
  await b.hears(markup + '3');
  await b.hears('{"other":[1,null]}');
  await b.hears('null');
  assert.equal(await b.page.locator('#log img, #log b').count(), 0);
  assert.equal(await b.page.title(), 'wspushd: live demo');
});

await test('Messages of a wrong shape do not disturb the charts and the board', async () => {
  for (const data of [null, 7, 'text', [], { t: 'x' }, { who: 'w', x: 'a' }]) {
    for (const topic of ['machine.cpu', 'machine.network', 'board', 'picture']) {
      await daemon.publish(`demo.${topic}`, data);
    }
  }
  await daemon.publish('demo.chat', 'after the wrong shapes');
  await b.hears('after the wrong shapes');
  assert.deepEqual(b.errors, []);
});

await test('The nickname is kept, and a reloaded tab finds the chat again', async () => {
  await b.page.fill('#nick', 'Grace');
  await b.page.press('#nick', 'Tab');
  await b.page.reload();
  await b.state('connected');
  await b.hears('from A to B');
  assert.equal(await b.page.inputValue('#nick'), 'Grace');
  assert.deepEqual(await b.chat(), await a.chat());
});

await test('The pointer of one tab shows in the other, where it is and by name', async () => {
  // The name of a tab is read when it loads: B is Grace by now.
  for (const [x, y] of [[0.2, 0.3], [0.5, 0.6], [0.7, 0.4]]) {
    await b.page.mouse.move(...await b.on_board(x, y), { steps: 10 });
  }
  await a.until(() => {
    const pointer = document.querySelector('.pointer:not(.me)');
    if (!pointer) return false;
    const box = document.getElementById('board').getBoundingClientRect();
    const at = pointer.getBoundingClientRect();
    return pointer.textContent === 'Grace' && Math.abs((at.x - box.x) / box.width - 0.7) < 0.01
      && Math.abs((at.y - box.y) / box.height - 0.4) < 0.02;
  });
  await b.until(() => document.querySelector('.pointer.me'));
  assert.equal(await a.text('#board-note'), '1 other pointer here');
  await b.page.mouse.move(5, 5);
  await a.until(() => !document.querySelector('.pointer:not(.me)'));
});

await test('The board works by keyboard, and a silent pointer vanishes', async () => {
  const line = new Proxy(daemon.public_port);
  await line.start();
  const c = await Tab.open(context, `http://127.0.0.1:${line.port}/`);
  await c.state('connected');
  await c.page.focus('#board');
  await c.page.keyboard.press('ArrowRight');
  await a.until(() => document.querySelector('.pointer:not(.me)'));
  await a.watch('.ring');   // it is gone within a second
  await c.page.keyboard.press('Enter');
  await a.until(() => window.watched);
  line.stop();   // a tab that is cut off says no farewell
  await a.until(() => !document.querySelector('.pointer:not(.me)'));
  await c.page.close();
});

await test('A cut connection resumes: what was missed comes once, in order, counted', async () => {
  const lines_before = (await a.chat()).length;
  proxy.cut();
  await a.state('waiting');
  assert.match(await a.text('#state'), /^Reconnecting in \d+ s$/);
  const missed = Array.from({ length: 7 }, (_, i) => `while A was away ${i}`);
  for (const text of missed) await daemon.publish('demo.chat', text);
  await a.say('written while away');
  await a.page.screenshot({ path: join(pictures, 'reconnecting.png'), fullPage: true });
  proxy.mend();
  await a.state('resumed');
  await a.hears('written while away');
  await b.hears('written while away');
  const lines = (await a.chat()).slice(lines_before);
  assert.deepEqual(lines, [...missed, 'written while away']);
  const marked = await a.page.$$eval('#log .recovered .text',
    all => all.map(line => line.textContent));
  assert.deepEqual(marked, missed);
  const note = await a.text('#notice');
  assert.match(note, /^Resumed after [\d.]+ s: \d+ missed messages recovered, none lost\.$/);
  assert.ok(Number(/(\d+) missed/.exec(note)[1]) >= missed.length);
  assert.equal(await a.number('#n-lost'), 0);
  assert.deepEqual(a.ledger.faults, []);
  await a.page.screenshot({ path: join(pictures, 'resumed.png'), fullPage: true });
});

await test('A connection closed through the API comes back without a loss', async () => {
  const reconnects = await b.number('#n-reconnects');
  const connection = await b.page.$eval('#server', server => server.dataset.connection);
  await daemon.terminate(connection);
  await b.until(old => Number(document.querySelector('#n-reconnects').textContent) === old + 1,
    reconnects);
  await b.state('resumed');
  assert.notEqual(await b.page.$eval('#server', server => server.dataset.connection), connection);
  await a.say('after the API');
  await b.hears('after the API');
  assert.equal(await b.number('#n-lost'), 0);
  assert.deepEqual(b.ledger.faults, []);
});

await test('What the log no longer holds is said to be lost, with its number', async () => {
  proxy.cut();
  await a.state('waiting');
  const lost = 30;
  for (let i = 0; i < history_messages + lost; i++) await daemon.publish('demo.chat', `flood ${i}`);
  proxy.mend();
  await a.hears(`flood ${history_messages + lost - 1}`);
  assert.equal(await a.text('#log .note'), `${lost} messages missed here`);
  await a.until(wanted => document.querySelector('#n-lost').textContent === wanted, String(lost));
  assert.match(await a.text('#notice'), new RegExp(`lost: ${lost} of demo\\.chat`));
  const oldest = await a.page.$eval('#log .note', note => note.nextSibling.lastChild.textContent);
  assert.equal(oldest, `flood ${lost}`);
  assert.deepEqual(a.ledger.faults, []);
});

await test('Without a feed the page says how to start one', async () => {
  await feed.stop();
  await a.until(() => !document.getElementById('hint').hidden);
  assert.match(await a.text('#hint'), /scripts\/feed \| wspush pub --ndjson/);
  feed.start();
  await a.until(() => document.getElementById('hint').hidden);
});

await test('A server that is killed and started again finds both tabs back', async () => {
  await daemon.stop('SIGKILL');
  await Promise.all([a.state('waiting'), b.state('waiting')]);
  await feed.stop();
  await daemon.start();
  feed.start();
  await Promise.all([a.state('resumed'), b.state('resumed')]);
  assert.match(await a.text('#notice'), /the server began new logs/);
  await a.say('A after the restart');
  await b.hears('A after the restart');
  await b.say('B after the restart');
  await a.hears('B after the restart');
  await readings_move(a);
  const pushed = a.binary.length;
  await a.until(() => document.getElementById('picture').dataset.pushed === 'true');
  assert.ok(a.binary.length >= pushed);
  assert.deepEqual([...a.ledger.faults, ...b.ledger.faults], []);
});

await test('Where visitors may not publish, the page says so and stays connected', async () => {
  const closed = new Daemon(wspushd, await free_port(), await free_port(),
    ['path_prefix=/push', 'topics=[{match: ">", subscribe: anyone, publish: nobody}]']);
  await closed.start();
  try {
    const c = await Tab.open(context, `http://127.0.0.1:${closed.public_port}/push/`);
    await c.state('connected');
    await c.say('may I?');
    await c.until(() => /^Not sent/.test(document.getElementById('chat-note').textContent));
    assert.equal(await c.page.inputValue('#say'), 'may I?');
    // Far more moves than `limits.errors_per_connection`: only the first may be sent.
    await c.page.mouse.move(...await c.on_board(0.1, 0.1));
    await c.until(() => /forbidden/.test(document.getElementById('board-note').textContent));
    await c.page.mouse.move(...await c.on_board(0.9, 0.9), { steps: 60 });
    await closed.publish('demo.chat', 'from the back end');
    await c.hears('from the back end');
    assert.equal(await c.number('#n-reconnects'), 0);
    assert.ok(c.addresses.some(address => /\/push\/topics\/demo\.picture/.test(address)));
    assert.deepEqual(c.errors, []);
    await c.page.close();
  } finally {
    await closed.stop('SIGKILL');
  }
});

for (const [name, width, height, scheme] of [
  ['light', 1280, 900, 'light'], ['dark', 1280, 900, 'dark'],
  ['tablet', 820, 1100, 'light'], ['phone', 360, 780, 'light'], ['phone-dark', 360, 780, 'dark'],
]) {
  await test(`The page fits and stands still: ${name}`, async () => {
    const view = await browser.newContext({ viewport: { width, height }, colorScheme: scheme });
    try {
      const c = await Tab.open(view, direct);
      await c.state('connected');
      await c.page.mouse.move(1, 1);
      await b.page.mouse.move(...await b.on_board(0.3, 0.3));
      await b.page.mouse.move(...await b.on_board(0.45, 0.5), { steps: 8 });
      await c.until(() => document.querySelector('.pointer'));
      await c.until(() => document.getElementById('picture').naturalWidth > 1
        && document.querySelector('#n-trip').textContent !== '–'
        && document.querySelector('#n-latency').textContent !== '–');
      const [wide, shift] = await c.page.evaluate(() =>
        [document.documentElement.scrollWidth, shifts.reduce((sum, { value }) => sum + value, 0)]);
      assert.ok(wide <= width, `the page is ${wide} px wide on ${width}`);
      assert.ok(shift < 0.02, `the layout shifted by ${shift}: ${await c.shifted()}`);
      await c.page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
      assert.deepEqual(c.errors, []);
    } finally {
      await view.close();
    }
  });
}

await test('Nothing was asked of anybody but the server, and no page complained', async () => {
  for (const tab of [a, b]) {
    const strange = tab.addresses.filter(address => !/^(data|blob):/.test(address)
      && new URL(address).hostname !== '127.0.0.1');
    assert.deepEqual(strange, []);
    assert.deepEqual(tab.errors, []);
  }
});

await browser.close();
await feed.stop();
proxy.stop();
await daemon.stop('SIGKILL');
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
