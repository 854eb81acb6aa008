// The queue of orders taken without the server, in IndexedDB: an order counts as kept when its transaction is complete,
// and only then does the screen say so. What a reader would get wrong: the number of an order is given in the same
// transaction that writes the order, so two windows never give the same one, and a kill between leaves neither.

export type OrderLine = { item: string; name: string; name_zh: string; options: string[]; chosen: string; chosen_zh: string; quantity: number; note: string; unit: number };
export type Draft = { kind: string; place: string; place_name: string; seen: string; channel: string; currency: string; lines: OrderLine[]; total: number };
export type Kept = Draft & {
  device: string; seq: number; key: string; label: string; store: string; taken_by: string; taken_at: string;
  state: "waiting" | "sent"; came_to: string; told: string; path: string; why: string;
};
export type Device = { store: string; id: string; letter: string; seq: number; known: boolean };
export type Place = { id: string; name: string; area: string; seen: string };
export type Option = { id: string; name: string; name_zh: string; change: number; sold_out: boolean };
export type Group = { name: string; name_zh: string; least: number; most: number; options: Option[] };
export type Dish = { id: string; name: string; name_zh: string; price: number; sold_out: boolean; photo: string; groups: Group[] };
export type Known = {
  store: { id: string; name: string; name_zh: string }; staff: string; currency: string; format: Record<string, string>;
  places: Record<string, Place[]>; menu: { name: string; name_zh: string; items: Dish[] }[]; waiting: number; practice: boolean;
};

export const random = (prefix: string): string => {
  const bytes = crypto.getRandomValues(new Uint8Array(15));
  return `${prefix}_${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
};

let opened: Promise<IDBDatabase> | undefined;

export function database(): Promise<IDBDatabase> {
  opened ||= new Promise((resolve, reject) => {
    const asked = indexedDB.open("saoma-offline", 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("queue", { keyPath: ["device", "seq"] });
      asked.result.createObjectStore("devices", { keyPath: "store" });
      asked.result.createObjectStore("known");
    };
    asked.onsuccess = () => {
      asked.result.onversionchange = () => { asked.result.close(); opened = undefined; };
      resolve(asked.result);
    };
    asked.onerror = () => { opened = undefined; reject(asked.error); };
  });
  return opened;
}

/** One transaction; resolves with what `work` leaves in its box once all of it is written to the disk. */
async function within<T>(stores: string[], mode: IDBTransactionMode, work: (tx: IDBTransaction, put: (value: T) => void) => void): Promise<T> {
  const db = await database();
  return new Promise<T>((resolve, reject) => {
    let result: T;
    const tx = db.transaction(stores, mode, { durability: "strict" });
    tx.oncomplete = () => resolve(result);
    tx.onerror = tx.onabort = () => reject(tx.error);
    work(tx, (value) => { result = value; });
  });
}

export const known = (): Promise<Known | undefined> =>
  within(["known"], "readonly", (tx, put) => { const asked = tx.objectStore("known").get("data"); asked.onsuccess = () => put(asked.result as Known | undefined); });

/** Only real work teaches a device anything, so it is not practice any more. */
export const learn = (data: Known): Promise<void> =>
  within(["known"], "readwrite", (tx) => {
    tx.objectStore("known").put(data, "data");
    tx.objectStore("known").delete("practice");
  });

/** Whoever works here is practising: without the server, what is taken could only become real orders. */
export const practises = (yes: boolean): Promise<void> =>
  within(["known"], "readwrite", (tx) => {
    const known = tx.objectStore("known");
    if (yes) known.put(true, "practice");
    else known.delete("practice");
  });
export const practising = (): Promise<boolean | undefined> =>
  within(["known"], "readonly", (tx, put) => { const asked = tx.objectStore("known").get("practice"); asked.onsuccess = () => put(asked.result === true); });

/** What belongs to whoever was signed in; the orders that still wait stay, they belong to the shop. */
export const forget = (): Promise<void> =>
  within(["known", "queue"], "readwrite", (tx) => {
    tx.objectStore("known").clear();
    const orders = tx.objectStore("queue");
    const asked = orders.getAll();
    asked.onsuccess = () => { for (const one of asked.result as Kept[]) if (one.state === "sent") orders.delete([one.device, one.seq]); };
  });

export const queue = (): Promise<Kept[]> =>
  within(["queue"], "readonly", (tx, put) => {
    const asked = tx.objectStore("queue").getAll();
    asked.onsuccess = () => put((asked.result as Kept[]).sort((a, b) => (a.device < b.device ? -1 : a.device > b.device ? 1 : a.seq - b.seq)));
  });

/** The device of a store: it makes its own id, the server only learns it. */
export const device = (store: string): Promise<Device> =>
  within(["devices"], "readwrite", (tx, put) => {
    const devices = tx.objectStore("devices");
    const asked = devices.get(store);
    asked.onsuccess = () => {
      const mine = (asked.result as Device | undefined) || { store, id: random("dev"), letter: "", seq: 0, known: false };
      devices.put(mine);
      put(mine);
    };
  });

export const recognised = (store: string, letter: string, done: number): Promise<void> =>
  within(["devices"], "readwrite", (tx) => {
    const devices = tx.objectStore("devices");
    const asked = devices.get(store);
    asked.onsuccess = () => {
      const mine = asked.result as Device;
      devices.put({ ...mine, letter, known: true, seq: Math.max(mine.seq, done) });
    };
  });

/** Write an order down under the device's next number. Resolves when it is on the disk. */
export const keep = (store: string, by: string, draft: Draft): Promise<Kept> =>
  within(["queue", "devices"], "readwrite", (tx, put) => {
    const devices = tx.objectStore("devices");
    const asked = devices.get(store);
    asked.onsuccess = () => {
      const mine = (asked.result as Device | undefined) || { store, id: random("dev"), letter: "", seq: 0, known: false };
      const seq = mine.seq + 1;
      const order: Kept = {
        ...draft, device: mine.id, seq, key: random("off"), label: `${mine.letter || "?"}-${seq}`, store, taken_by: by,
        taken_at: new Date().toISOString(), state: "waiting", came_to: "", told: "", path: "", why: "",
      };
      devices.put({ ...mine, seq });
      tx.objectStore("queue").add(order);
      put(order);
    };
  });

/** The server does not know this device (any more): it introduces itself again. */
export const stranger = (store: string): Promise<void> =>
  within(["devices"], "readwrite", (tx) => {
    const devices = tx.objectStore("devices");
    const asked = devices.get(store);
    asked.onsuccess = () => { if (asked.result) devices.put({ ...(asked.result as Device), known: false }); };
  });

export const settled = (order: Kept, change: Partial<Kept>): Promise<void> =>
  within(["queue"], "readwrite", (tx) => { tx.objectStore("queue").put({ ...order, ...change }); });

/** Somebody else has used this device's id (a copied profile): what still waits goes on under a new one, in its order. */
export const renew = (store: string): Promise<void> =>
  within(["queue", "devices"], "readwrite", (tx) => {
    const orders = tx.objectStore("queue");
    const devices = tx.objectStore("devices");
    const asked = devices.get(store);
    asked.onsuccess = () => {
      const old = asked.result as Device;
      const fresh: Device = { store, id: random("dev"), letter: "", seq: 0, known: false };
      const every = orders.getAll();
      every.onsuccess = () => {
        const waiting = (every.result as Kept[]).filter((one) => one.device === old.id && one.state === "waiting").sort((a, b) => a.seq - b.seq);
        for (const order of waiting) {
          orders.delete([order.device, order.seq]);
          fresh.seq += 1;
          orders.add({ ...order, device: fresh.id, seq: fresh.seq });
        }
        devices.put(fresh);
      };
    };
  });

/** Orders that were sent stay visible for a day, at most a hundred of them. */
export const tidy = (): Promise<void> =>
  within(["queue"], "readwrite", (tx) => {
    const orders = tx.objectStore("queue");
    const asked = orders.getAll();
    asked.onsuccess = () => {
      const sent = (asked.result as Kept[]).filter((one) => one.state === "sent").sort((a, b) => (a.taken_at < b.taken_at ? 1 : -1));
      const yesterday = new Date(Date.now() - 86_400_000).toISOString();
      sent.forEach((one, at) => { if (at >= 100 || one.taken_at < yesterday) orders.delete([one.device, one.seq]); });
    };
  });
