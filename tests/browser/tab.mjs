// One tab with the demo page, and an observer that keeps book of what its sockets received.

/// What the server promises: within an epoch the offsets of a topic grow by one, over every
/// reconnection too, unless a `gap` or `recovered:false` says otherwise.
class Ledger {
  constructor() {
    this.last = new Map();      // topic -> {epoch, offset} of the newest message
    this.excused = new Set();   // topics of which the server said that something is missing
    this.faults = [];
    this.received = new Map();  // topic -> data of its messages
  }

  on_frame(text) {
    const frame = JSON.parse(text);
    if (frame.op === 'gap') this.excused.add(frame.topic);
    if (frame.op === 'subscribed' && frame.recovered === false) this.excused.add(frame.topic);
    if (frame.op !== 'message') return;
    const [epoch, digits] = frame.id.split('-');
    const offset = Number(digits);
    const before = this.last.get(frame.topic);
    const follows = !before || (before.epoch === epoch && before.offset + 1 === offset);
    const repeats = before && before.epoch === epoch && offset <= before.offset;
    if (repeats || (!follows && !this.excused.has(frame.topic))) {
      this.faults.push(`${frame.topic}: ${frame.id} after ${before.epoch}-${before.offset}`);
    }
    this.excused.delete(frame.topic);
    this.last.set(frame.topic, { epoch, offset });
    this.received.set(frame.topic, [...this.received.get(frame.topic) ?? [], frame.data]);
  }
}

export class Tab {
  /// Opens `url` in a new tab of `context`.
  static async open(context, url) {
    const tab = new Tab();
    tab.page = await context.newPage();
    tab.ledger = new Ledger();
    tab.errors = [];      // exceptions, and complaints of the console
    tab.addresses = [];   // everything that the page asked for
    tab.binary = [];      // binary messages of the raw door
    tab.page.on('pageerror', error => tab.errors.push(String(error)));
    tab.page.on('console', message => {
      // A WebSocket that cannot connect is what these tests are about.
      if (message.type() === 'error' && !/WebSocket|ERR_CONNECTION/.test(message.text())) {
        tab.errors.push(message.text());
      }
    });
    tab.page.on('request', request => tab.addresses.push(request.url()));
    tab.page.on('websocket', socket => {
      tab.addresses.push(socket.url());
      const is_raw = new URL(socket.url()).pathname.includes('/topics/');
      socket.on('framereceived', ({ payload }) => {
        if (!is_raw) tab.ledger.on_frame(payload);
        else if (typeof payload !== 'string') tab.binary.push(payload);
      });
    });
    await tab.page.addInitScript(() => {
      window.shifts = [];
      new PerformanceObserver(list => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) shifts.push(entry);
      }).observe({ type: 'layout-shift', buffered: true });
    });
    // A page that is loaded again reads the logs from their start.
    tab.page.on('framenavigated', () => tab.ledger.last.clear());
    await tab.page.goto(url);
    return tab;
  }

  /// Waits until `condition(argument)` holds in the page.
  until(condition, argument, timeout = 20000) {
    return this.page.waitForFunction(condition, argument, { timeout, polling: 50 });
  }

  text(selector) { return this.page.textContent(selector); }
  async number(selector) { return Number((await this.text(selector)).replace(/,/g, '')); }

  /// Waits for one of `names` as the state of the connection.
  state(...names) {
    return this.until(wanted => wanted.includes(document.body.dataset.state), names);
  }

  async say(text) {
    await this.page.fill('#say', text);
    await this.page.press('#say', 'Enter');
  }

  /// Waits for a chat line with exactly this text.
  hears(text) {
    return this.until(wanted =>
      [...document.querySelectorAll('#log .text')].some(line => line.textContent === wanted), text);
  }

  chat() { return this.page.$$eval('#log .text', lines => lines.map(line => line.textContent)); }

  /// Sets `watched` in the page once an element that fits `selector` is added, however short its
  /// life.
  watch(selector) {
    return this.page.evaluate(wanted => {
      window.watched = false;
      new MutationObserver(records => {
        const added = records.flatMap(record => [...record.addedNodes]);
        if (added.some(node => node.matches?.(wanted))) window.watched = true;
      }).observe(document.body, { subtree: true, childList: true });
    }, selector);
  }

  /// What moved without being asked to.
  shifted() {
    return this.page.evaluate(() => shifts.flatMap(shift => shift.sources.map(({ node }) =>
      `${shift.value.toFixed(4)} ${node?.id || node?.className || node?.textContent}`)).join('; '));
  }

  /// The place of the n-th part of the board, in pixels of the page.
  async on_board(x, y) {
    const box = await this.page.locator('#board').boundingBox();
    return [box.x + box.width * x, box.y + box.height * y];
  }
}
