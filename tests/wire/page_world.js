// A browser of a hundred lines: enough of a document, a clock and a socket to run the script of page.html.
// Usage: node page_world.js page.html story.js http:; the story ends by returning what the test wants to see.
"use strict";
const { readFileSync } = require("node:fs");

class Target {
  constructor() { this.listeners = {}; }
  addEventListener(type, listener) { (this.listeners[type] ||= []).push(listener); }
  fire(type, event = {}) {
    for (const listener of this.listeners[type] || []) {
      listener({ preventDefault() {}, target: this, button: 0, pointerId: 1, ...event });
    }
  }
}

class Element extends Target {
  constructor(tag = "div") {
    super();
    Object.assign(this, { tag, children: [], textContent: "", className: "", hidden: false, value: "" });
    this.classes = new Set();
    this.classList = { toggle: (name, on) => (on ? this.classes.add(name) : this.classes.delete(name)) };
  }
  append(...children) { this.children.push(...children); }
  replaceChildren(...children) { this.children = children; }
  setPointerCapture() {}
  focus() { Element.focused = this; }
  get lastElementChild() { return this.children[this.children.length - 1]; }
}

class Input extends Element {}

// --- The clock: moves only when the story says so ---------------------------------------------------------

let now = 0, timers = [], timerCount = 0;
function start(action, delay, period) {
  timers.push({ id: ++timerCount, at: now + delay, action, period });
  return timerCount;
}
const clock = {
  setTimeout: (action, delay) => start(action, delay, null),
  setInterval: (action, period) => start(action, period, period),
  clear: (id) => { timers = timers.filter((timer) => timer.id !== id); },
};
async function settle() { for (let turn = 0; turn < 50; turn += 1) await Promise.resolve(); }
async function advance(ms) {
  const end = now + ms;
  await settle();
  for (;;) {
    const due = timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
    if (!due) break;
    now = due.at;
    if (due.period === null) clock.clear(due.id); else due.at += due.period;
    due.action();
    await settle();
  }
  now = end;
  await settle();
}

// --- The robot at the far end -----------------------------------------------------------------------------

const robot = {
  sockets: [], sent: [], posts: [], silent: new Set(), latch: null, token: null,
  status() {
    return { simulated: true, state: "armed.teleop", latch: this.latch, regions: { main: { state: "armed.teleop" } },
      boards: { arduino: { state: "online" } }, devices: {} };
  },
  answer(method) {
    if (method === "hello") return { robot: "rover", role: "operator" };
    if (method === "lease.acquire") return { lease_id: "lease-2", window_ms: 2000, renew_ms: 400 };
    if (method === "estop") return { latch_id: "latch-1" };
    if (method === "status") return this.status();
    if (method !== "describe") return { stage: "started" };
    const drive = { streamed: true, payload: { properties: { linear: {}, angular: {} } } };
    const arm = { streamed: false, payload: {} };
    const base = { kind: "drive_base", limits: { max_speed: "0.8 m/s", max_turn: "2 rad/s" } };
    return { commands: { drive, arm }, devices: { base } };
  },
  drives() { return this.sent.filter((call) => call.params.type === "drive").map((call) => call.params); },
  asked(method) { return this.sent.filter((call) => call.method === method); },
  async come() { this.socket.readyState = Socket.OPEN; this.socket.onopen(); await settle(); },
  async go() { this.socket.readyState = Socket.CLOSED; this.socket.onclose(); await settle(); },
  async tell(topic, data) { await this.notify("update", { topic, data }); },
  async notify(method, params) {
    this.socket.onmessage({ data: JSON.stringify({ method, params }) });
    await settle();
  },
  get socket() { return this.sockets[this.sockets.length - 1]; },
};

class Socket {
  static OPEN = 1;
  static CLOSED = 3;
  constructor(url, subprotocol) {
    Object.assign(this, { url, subprotocol, readyState: 0, bufferedAmount: 0 });
    robot.sockets.push(this);
  }
  send(text) {
    const call = JSON.parse(text);
    robot.sent.push({ at: now, ...call });
    if (robot.silent.has(call.params.type) || robot.silent.has(call.method)) return;
    const answer = { jsonrpc: "2.0", id: call.id };
    if (call.method === "hello") this.known = robot.token === null || call.params.token === robot.token;
    if (this.known || call.method === "estop") answer.result = robot.answer(call.method);
    else answer.error = { code: -32000, message: "this robot asks for a token", data: { reason: "unauthenticated" } };
    Promise.resolve().then(() => this.onmessage({ data: JSON.stringify(answer) }));
  }
}

// --- The page -----------------------------------------------------------------------------------------------

const elements = {};
const $ = (id) => (elements[id] ||= id === "pace" || id === "token" ? new Input("input") : new Element());
$("pace").value = "50";
for (const id of ["door", "latch", "role"]) $(id).hidden = true;
const document = new Target();
Object.assign(document, { hidden: false, title: "", getElementById: $, createElement: (tag) => new Element(tag) });
const window = new Target();
window.isSecureContext = true;
const stored = new Map();
const sessionStorage = {
  getItem: (name) => (stored.has(name) ? stored.get(name) : null),
  setItem: (name, value) => stored.set(name, value),
  removeItem: (name) => stored.delete(name),
};
const fetch = async (path, options) => { robot.posts.push([now, options.method, path]); return { ok: true }; };
const key = (type, code, more = {}) => document.fire(type, { code, ...more });

const [, , pagePath, storyPath, protocol] = process.argv;
const script = /<script>([^]*?)<\/script>/.exec(readFileSync(pagePath, "utf8"))[1];
const given = {
  document, window, fetch, sessionStorage, WebSocket: Socket, HTMLInputElement: Input,
  location: { protocol, host: "localhost:8080" },
  setTimeout: clock.setTimeout, setInterval: clock.setInterval, clearTimeout: clock.clear, clearInterval: clock.clear,
  Date: { now: () => now },
};
new Function(...Object.keys(given), script)(...Object.values(given));

const tell = Object.getPrototypeOf(async () => {}).constructor;
new tell("robot", "$", "key", "window", "document", "advance", "stored", readFileSync(storyPath, "utf8"))(
  robot, $, key, window, document, advance, stored,
).then((result) => console.log(JSON.stringify(result)), (error) => { console.error(error); process.exit(1); });
