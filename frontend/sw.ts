// The worker of staff's screens. When the till, the counter or the tablet can't be reached, it shows the page that takes
// orders without the server. What a reader would get wrong: it keeps that page, the page's own files and the dishes'
// photos, and nothing else; no bill, no payment and nothing of a person ever passes through its hands.

type Kept = { version: string; files: string[] };
type Extendable = Event & { waitUntil(work: Promise<unknown>): void };
type Fetching = Extendable & { request: Request; respondWith(answer: Promise<Response>): void };
type Worker = {
  SAOMA: Kept; location: Location; skipWaiting(): Promise<void>; clients: { claim(): Promise<void> };
  addEventListener(kind: string, heard: (event: never) => void): void;
};
const me = self as unknown as Worker;

const SHELLS = "saoma-offline-";
const SHELL = `${SHELLS}${me.SAOMA.version}`;
const PHOTOS = "saoma-photos";
const PAGE = "/offline";
const SCREENS = /^\/(till|counter|tablet|offline)(\/|$)/;
const PATIENCE = 6000;

/** The page itself, if the server says that this one may be kept: somebody is signed in, and not in practice. */
async function keepPage(shell: Cache): Promise<void> {
  const answer = await fetch(PAGE, { redirect: "manual", credentials: "same-origin", cache: "no-store" });
  if (answer.ok && answer.headers.get("X-Saoma-Keep") === "page") await shell.put(PAGE, answer);
}

async function fill(): Promise<void> {
  const shell = await caches.open(SHELL);
  const missing = [];
  for (const file of me.SAOMA.files) if (!(await shell.match(file))) missing.push(file);
  if (missing.length) await shell.addAll(missing);
  await keepPage(shell).catch(() => undefined);
  await tidy();
}

/** What an older release kept goes once this one has its page: one that came while the server was gone, or in practice,
 * has none yet. */
async function tidy(): Promise<void> {
  if (!(await (await caches.open(SHELL)).match(PAGE))) return;
  for (const name of await caches.keys()) if (name.startsWith(SHELLS) && name !== SHELL) await caches.delete(name);
}

/** From this release's own cache, or else an older one's. */
async function held(request: Request | string): Promise<Response | undefined> {
  const older = (await caches.keys()).filter((name) => name.startsWith(SHELLS) && name !== SHELL);
  for (const name of [SHELL, ...older]) {
    const found = (await caches.has(name)) && (await (await caches.open(name)).match(request));
    if (found) return found;
  }
  return undefined;
}

/** Somebody signed out: the page, the photos, the menu and what was sent go; orders that still wait stay until they are sent. */
async function forget(): Promise<void> {
  for (const name of await caches.keys()) if (name.startsWith("saoma-")) await caches.delete(name);
  await new Promise<void>((resolve) => {
    const asked = indexedDB.open("saoma-offline");
    asked.onerror = () => resolve();
    asked.onsuccess = () => {
      const db = asked.result;
      if (!db.objectStoreNames.contains("known") || !db.objectStoreNames.contains("queue")) {
        db.close();
        return resolve();
      }
      const tx = db.transaction(["known", "queue"], "readwrite");
      tx.objectStore("known").clear();
      const orders = tx.objectStore("queue").openCursor();
      orders.onsuccess = () => {
        if (orders.result?.value.state === "sent") orders.result.delete();
        orders.result?.continue();
      };
      tx.oncomplete = tx.onabort = () => { db.close(); resolve(); };
    };
    // A database that is not there yet is not made here: the page makes it with all that belongs to it.
    asked.onupgradeneeded = () => asked.transaction?.abort();
  });
}

async function keepPhotos(wanted: string[]): Promise<void> {
  const photos = await caches.open(PHOTOS);
  const good = new Set(wanted.filter((url) => url.startsWith("/photos/")));
  for (const request of await photos.keys()) if (!good.has(new URL(request.url).pathname)) await photos.delete(request);
  for (const url of good) if (!(await photos.match(url))) await photos.add(url).catch(() => undefined);
}

async function screen(request: Request): Promise<Response> {
  let answer: Response | undefined;
  try {
    const late = new Promise<never>((_, fail) => setTimeout(() => fail(new Error("late")), PATIENCE));
    answer = await Promise.race([fetch(request), late]);
    if (![502, 503, 504].includes(answer.status)) return answer;
  } catch {
    answer = undefined;
  }
  return (await held(PAGE)) || answer || Response.error();
}

async function photo(request: Request): Promise<Response> {
  const found = (await caches.has(PHOTOS)) && (await (await caches.open(PHOTOS)).match(request));
  return found || fetch(request);
}

me.addEventListener("install", (event: Extendable) => {
  event.waitUntil(fill().then(() => me.skipWaiting()));
});
me.addEventListener("activate", (event: Extendable) => {
  event.waitUntil(tidy().then(() => me.clients.claim()));
});
me.addEventListener("message", (event: Extendable & { data: { ready?: boolean; keep?: string[] }; ports: MessagePort[] }) => {
  if (event.data.ready) event.waitUntil(fill().catch(() => undefined).then(() => event.ports[0]?.postMessage("filled")));
  if (event.data.keep) event.waitUntil(keepPhotos(event.data.keep).catch(() => undefined));
});
me.addEventListener("fetch", (event: Fetching) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== me.location.origin) return;
  if (request.method === "POST" && url.pathname === "/sign-out") return event.waitUntil(forget());
  if (request.method !== "GET") return;
  if (request.mode === "navigate" && SCREENS.test(url.pathname)) return event.respondWith(screen(request));
  if (url.pathname.startsWith("/assets/")) return event.respondWith(held(request).then((found) => found || fetch(request)));
  if (url.pathname.startsWith("/photos/")) return event.respondWith(photo(request));
});
