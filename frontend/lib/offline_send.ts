// Learns from the server what a till must know without it, and sends it what was taken meanwhile: one order after the
// other, in order, each again and again until the server has answered it. What a reader would get wrong: an answer that
// is lost is no reason to think that the order was; the server knows it by device and number and takes it once.

import { device, forget, learn, practises, queue, recognised, renew, settled, stranger, tidy, type Known, type Kept } from "./offline_store";

export type State = "connected" | "lost" | "sign-in" | "not-yours" | "trouble" | "practice";

const csrf = (): string => {
  const cookie = /(?:^|; )saoma_csrf=([^;]+)/.exec(document.cookie);
  return cookie ? decodeURIComponent(cookie[1] || "") : "";
};

/** `undefined`: nobody answered. A server that is being replaced, or a proxy without one, is nobody, too. */
async function ask(path: string, body?: unknown): Promise<Response | undefined> {
  const patience = new AbortController();
  const timer = window.setTimeout(() => patience.abort(), 8000);
  try {
    const answer = await fetch(path, {
      method: body === undefined ? "GET" : "POST",
      headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json", "X-CSRF-Token": csrf() }) },
      body: body === undefined ? null : JSON.stringify(body),
      redirect: "manual", cache: "no-store", credentials: "same-origin", signal: patience.signal,
    });
    return [502, 503, 504].includes(answer.status) ? undefined : answer;
  } catch {
    return undefined;
  } finally {
    window.clearTimeout(timer);
  }
}

const refused = (answer: Response): State | undefined =>
  answer.type === "opaqueredirect" || answer.status === 401 ? "sign-in"
    : answer.status === 403 || answer.status === 404 ? "not-yours"
    : answer.ok ? undefined : "trouble";

/** What is needed without the server, fetched and written down; and the photos, for the worker. */
async function refresh(): Promise<State | Known> {
  const answer = await ask("/offline/data");
  if (!answer) return "lost";
  const why = refused(answer);
  if (why) return why;
  const data = (await answer.json()) as Known;
  if (data.practice) {
    await practises(true);
    return data;
  }
  await learn(data);
  const photos = data.menu.flatMap((section) => section.items).map((dish) => dish.photo).filter(Boolean);
  navigator.serviceWorker?.controller?.postMessage({ keep: photos });
  return data;
}

const waitingOf = async (store: string): Promise<Kept[]> => (await queue()).filter((one) => one.state === "waiting" && one.store === store);

async function introduce(store: string): Promise<State> {
  const mine = await device(store);
  if (mine.known) return "connected";
  const first = (await waitingOf(store)).find((one) => one.device === mine.id);
  const answer = await ask("/offline/device", { device: mine.id, begins: first ? first.seq : mine.seq + 1 });
  if (!answer) return "lost";
  if (answer.status === 404) {
    await renew(store);
    return "trouble";
  }
  const why = refused(answer);
  if (why) return why;
  const told = (await answer.json()) as { letter: string; done: number };
  await recognised(store, told.letter, told.done);
  return "connected";
}

function wire(order: Kept): unknown {
  const { device, seq, key, kind, place, place_name, seen, channel, label, taken_by, taken_at, currency, lines } = order;
  return { device, seq, key, kind, place, place_name, seen, channel, label, taken_by, taken_at, currency, lines };
}

async function deliver(order: Kept): Promise<State> {
  const answer = await ask("/offline/orders", wire(order));
  if (!answer) return "lost";
  if (answer.status === 409) {
    await renew(order.store);
    return "trouble";
  }
  if (answer.status === 404) {
    // The store was found a moment ago: it is the device that a server out of a backup has never heard of.
    await stranger(order.store);
    return "trouble";
  }
  const why = refused(answer);
  if (why) return why;
  const told = (await answer.json()) as { state: string; label: string; path: string; why: string };
  await settled(order, { state: "sent", came_to: told.state, told: told.label, path: told.path, why: told.why });
  return "connected";
}

let running: Promise<State> | undefined;

async function run(changed: () => void): Promise<State> {
  // The answer also brings the cookies that a killed browser may have lost.
  let data = await refresh();
  if (typeof data === "string") return data;
  if (data.practice) return "practice";
  const store = data.store.id;
  for (let tries = 0; tries < 3; tries++) {
    const met = await introduce(store);
    if (met !== "connected" && met !== "trouble") return met;
    if (met === "trouble") continue;
    let sent = 0;
    let state: State = "connected";
    for (const order of await waitingOf(store)) {
      state = await deliver(order);
      if (state !== "connected") break;
      sent += 1;
      changed();
    }
    if (state === "trouble") continue;
    if (state !== "connected") return state;
    if (sent) data = await refresh();
    await tidy();
    return "connected";
  }
  return "trouble";
}

/** Send what waits, by one window at a time. */
export function send(changed: () => void = () => undefined): Promise<State> {
  running ||= (async () => {
    const locks = (navigator as unknown as { locks?: { request<T>(name: string, work: () => Promise<T>): Promise<T> } }).locks;
    return locks ? locks.request("saoma-offline", () => run(changed)) : run(changed);
  })().finally(() => { running = undefined; });
  return running;
}

/** On a screen of the connected till: keep the worker, its page and the menu fresh, and send what waits. */
export function startOffline(): void {
  if (!("serviceWorker" in navigator) || !("indexedDB" in window) || document.body.classList.contains("practising")) return;
  const ready = async (): Promise<void> => {
    await navigator.serviceWorker.register("/sw.js", { scope: "/" });
    const worker = (await navigator.serviceWorker.ready).active;
    const told = new MessageChannel();
    const filled = new Promise<void>((resolve) => {
      told.port1.onmessage = () => resolve();
      window.setTimeout(resolve, 10_000);
    });
    worker?.postMessage({ ready: true }, [told.port2]);
    const state = await send();
    await filled;
    if (state === "connected") document.documentElement.dataset.offline = "ready";
    void navigator.storage?.persist?.();
  };
  window.setTimeout(() => void ready().catch(() => undefined), 400);
  window.addEventListener("online", () => void send().catch(() => undefined));
  document.addEventListener("submit", (event) => {
    if ((event.target as HTMLFormElement).getAttribute("action") === "/sign-out") void forget().catch(() => undefined);
  });
}
