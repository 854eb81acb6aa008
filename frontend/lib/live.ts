// Live updates: one EventSource for everything a page listens to ([data-live]). An event of kind "paid" becomes
// `live:paid` on <body>, and elements fetch themselves again (hx-trigger="live:paid from:body").
//
// After a break, `live:again` is sent: what was missed is unknown, so whoever listens fetches once. The banner shows
// when updates have stopped for a while; it goes away by itself. A connection that stays open but silent is as good as
// none: the server says with every beat in how many seconds the next one comes, and two that fail to come are a break.

import { toast } from "./toast";
import { word } from "./words";

const BANNER_AFTER = 4000;
const TO_CONNECT = 10000;

let source: EventSource | undefined;
let listening = "";
let tries = 0;
let lastHeard = 0;
let patience = TO_CONNECT;
let lastMark = "";
let lostTimer = 0;
let retryTimer = 0;

function banner(shown: boolean): void {
  const box = document.getElementById("live-lost");
  if (box) box.hidden = !shown;
  document.body.classList.toggle("live-stopped", shown);
}

function tell(kind: string, detail: unknown): void {
  document.body.dispatchEvent(new CustomEvent(`live:${kind}`, { detail, bubbles: true }));
}

function lost(): void {
  if (!lostTimer) lostTimer = window.setTimeout(() => banner(true), BANNER_AFTER);
}

function found(): void {
  const wasLost = lostTimer !== 0;
  window.clearTimeout(lostTimer);
  lostTimer = 0;
  tries = 0;
  banner(false);
  if (wasLost) {
    tell("again", {});
    tell("any", { kind: "again" });
  }
}

function later(): void {
  source?.close();
  source = undefined;
  lost();
  window.clearTimeout(retryTimer);
  const wait = Math.min(15000, 500 * 2 ** Math.min(tries++, 5));
  retryTimer = window.setTimeout(connect, wait / 2 + Math.random() * wait / 2);
}

async function refused(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url.replace("/live?", "/live/check?"), { cache: "no-store" });
    return answer.status === 403;
  } catch {
    return false;
  }
}

function connect(): void {
  const url = addresses();
  if (!url) return;
  if (!lastMark) lastMark = document.querySelector<HTMLElement>("[data-since]")?.dataset.since || "";
  listening = url;
  lastHeard = Date.now();
  patience = TO_CONNECT;
  const mine = new EventSource(lastMark ? `${url}&since=${encodeURIComponent(lastMark)}` : url);
  source = mine;
  mine.addEventListener("open", () => {
    lastHeard = Date.now();
    found();
  });
  mine.addEventListener("beat", (event: MessageEvent<string>) => {
    lastHeard = Date.now();
    patience = Number(event.data) * 2000 + 1000 || TO_CONNECT;
  });
  mine.addEventListener("again", () => {
    tell("again", {});
    tell("any", { kind: "again" });
  });
  mine.addEventListener("live", (event: MessageEvent<string>) => {
    lastHeard = Date.now();
    lastMark = event.lastEventId || lastMark;
    const change = JSON.parse(event.data) as { kind: string; topic: string; data: unknown };
    tell(change.kind, change);
    tell("any", change);
  });
  mine.addEventListener("error", () => {
    if (source !== mine) return;
    const closed = mine.readyState === EventSource.CLOSED;
    later();
    if (closed && tries === 2) {
      void refused(url).then((no) => no && location.reload());
    }
  });
}

function addresses(): string {
  const all = [...document.querySelectorAll<HTMLElement>("[data-live]")].map((element) => element.dataset.live || "");
  if (!all.length) return "";
  const tokens = all.map((url) => new URL(url, location.href).searchParams.get("t") || "");
  return `/live?${[...new Set(tokens)].map((token) => `t=${encodeURIComponent(token)}`).join("&")}`;
}

function check(): void {
  const wanted = addresses();
  if (wanted !== listening) {
    source?.close();
    source = undefined;
    listening = "";
    if (wanted) connect();
    else banner(false);
  }
}

export function startLive(): void {
  if (!("EventSource" in window)) return;
  connect();
  document.addEventListener("htmx:after:swap", check);
  window.setInterval(() => {
    if (source && Date.now() - lastHeard > patience) later();
  }, 1000);
  window.addEventListener("online", () => {
    // A connection that outlived the break may have missed something: what was called lost is made anew.
    if (lostTimer || !source || source.readyState !== EventSource.OPEN) {
      tries = 0;
      later();
    }
  });
  window.addEventListener("offline", () => {
    if (listening) lost();
    else toast(word("lost"), "failed");
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted && listening) {
      lost();
      later();
    }
  });
  window.addEventListener("pagehide", () => source?.close());
}
