// Taking orders without the server: dishes, an order, and the queue that waits. What a reader would get wrong: nothing
// here knows of money that was taken. An order is written to the disk before the screen says that it is kept.

import { keep, known, practising, queue, type Dish, type Draft, type Kept, type Known, type OrderLine, type Place } from "./lib/offline_store";
import { send, startOffline, type State } from "./lib/offline_send";

const root = document.getElementById("offline") as HTMLElement;
const say = JSON.parse(root.dataset.say || "{}") as Record<string, string>;
const lang = root.dataset.lang || "en";
const part = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const word = (name: string, values: Record<string, string> = {}): string =>
  Object.entries(values).reduce((text, [key, value]) => text.replace(`{${key}}`, value), say[name] || "");
const called = (thing: { name: string; name_zh: string }): string => (lang === "zh" ? thing.name_zh || thing.name : thing.name || thing.name_zh);

let data: Known | undefined;
let state: State | "looking" = "looking";
let kind = "";
let place: Place | undefined;
let channel = "counter";
let lines: OrderLine[] = [];
let choosing: { dish: Dish; line?: OrderLine } | undefined;
let busy = false;
/** Somebody practises on this device, and has not said that what comes now is real. */
let practice = false;
let real = false;
const MOST_LINES = 200;

type Child = Node | string | false | undefined;
function make(tag: string, attrs: Record<string, string | boolean> = {}, ...children: Child[]): HTMLElement {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attrs)) if (value !== false) made.setAttribute(name, value === true ? "" : value);
  for (const child of children) if (child) made.append(child);
  return made;
}
const icon = (name: string): Node => document.querySelector<HTMLTemplateElement>(`template[data-icon="${name}"]`)!.content.cloneNode(true);

function money(minor: number): string {
  const format = data?.format[lang] || "0";
  const digits = /\.(\d+)/.exec(format)?.[1]?.length || 0;
  const [whole, rest] = (Math.abs(minor) / 10 ** digits).toFixed(digits).split(".");
  const grouped = (whole || "0").replace(/\B(?=(\d{3})+$)/g, ",");
  return (minor < 0 ? "−" : "") + format.replace(/\d[\d.,]*/, rest ? `${grouped}.${rest}` : grouped);
}
const sum = (of: OrderLine[]): number => of.reduce((all, line) => all + line.unit * line.quantity, 0);
const seat = (name: string): string => (/^\d+$/.test(name) ? word("table", { n: name }) : name);

function drawMenu(): void {
  part("menu").replaceChildren(...(data?.menu || []).map((section) =>
    make("section", { "data-section": true }, make("h2", {}, called(section)), make("div", { class: "dish-keys" }, ...section.items.map((dish) => {
      const key = make("button", { class: "dish-key", type: "button", "data-dish": dish.id, "data-testid": "dish-key", "data-name": `${dish.name} ${dish.name_zh}`.toLowerCase(), disabled: dish.sold_out },
        dish.photo ? make("img", { src: dish.photo, alt: "", width: "40", height: "40", loading: "lazy" }) : undefined,
        make("span", {}, called(dish)), make("span", { class: "num soft" }, dish.sold_out ? word("sold_out") : money(dish.price) + (dish.groups.length ? " …" : "")));
      key.addEventListener("click", () => (dish.groups.length ? choose(dish) : add(dish, [], "")));
      return key;
    })))));
  find();
}

function find(): void {
  const wanted = part<HTMLInputElement>("find").value.trim().toLowerCase();
  for (const section of document.querySelectorAll<HTMLElement>("[data-section]")) {
    let any = false;
    for (const key of section.querySelectorAll<HTMLElement>("[data-name]")) {
      key.hidden = !(key.dataset.name || "").includes(wanted);
      any ||= !key.hidden;
    }
    section.hidden = !any;
  }
}

function choose(dish: Dish, line?: OrderLine): void {
  choosing = line ? { dish, line } : { dish };
  part("choose-title").textContent = called(dish);
  part<HTMLInputElement>("wish").value = line?.note || "";
  part("choose-problem").hidden = true;
  part("groups").replaceChildren(...dish.groups.map((group, at) => {
    const one = group.most === 1 && group.least === 1;
    return make("fieldset", { class: "options" }, make("legend", {}, called(group)), ...group.options.map((option) => {
      const box = make("input", { type: one ? "radio" : "checkbox", name: `group-${at}`, value: option.id, disabled: option.sold_out, required: one, checked: line?.options.includes(option.id) || false });
      return make("label", { class: option.sold_out ? "option off" : "option" }, box, make("span", { class: "grow" }, called(option)),
        make("span", { class: "push num" }, option.sold_out ? word("sold_out") : option.change ? (option.change > 0 ? "+" : "") + money(option.change) : ""));
    }));
  }));
  part<HTMLDialogElement>("choose").showModal();
}

/** The same rule as on the server, said before the order is taken: it could not be asked about later. */
function wrong(dish: Dish, options: string[]): string {
  for (const group of dish.groups) {
    const count = group.options.filter((option) => options.includes(option.id)).length;
    if (count < group.least) return `${called(group)}: ${group.least === 1 ? word("one") : word("least", { n: String(group.least) })}`;
    if (count > group.most) return `${called(group)}: ${word("most", { n: String(group.most) })}`;
  }
  return "";
}

function chosen(event: Event): void {
  event.preventDefault();
  if (!choosing) return;
  const { dish, line } = choosing;
  const options = [...part("groups").querySelectorAll<HTMLInputElement>("input:checked")].map((box) => box.value);
  const problem = wrong(dish, options);
  part("choose-problem").textContent = problem;
  part("choose-problem").hidden = !problem;
  if (problem) return;
  const note = part<HTMLInputElement>("wish").value.trim();
  if (line) lines = lines.filter((one) => one !== line);
  add(dish, options, note, line?.quantity);
  part<HTMLDialogElement>("choose").close();
}

function add(dish: Dish, options: string[], note: string, quantity = 1): void {
  const picked = dish.groups.flatMap((group) => group.options).filter((option) => options.includes(option.id));
  const same = lines.find((line) => line.item === dish.id && line.note === note && line.options.join() === options.join());
  if (same && same.quantity + quantity <= 99) same.quantity += quantity;
  else if (lines.length < MOST_LINES) lines.push({
    item: dish.id, name: dish.name, name_zh: dish.name_zh, options, quantity, note,
    chosen: picked.map((option) => option.name).join(", "), chosen_zh: picked.map((option) => option.name_zh || option.name).join("、"),
    unit: Math.max(0, dish.price + picked.reduce((all, option) => all + option.change, 0)),
  });
  drawOrder();
}

function step(line: OrderLine, by: number): void {
  line.quantity += by;
  if (line.quantity < 1) lines = lines.filter((one) => one !== line);
  drawOrder();
}

function drawOrder(): void {
  const rows = lines.map((line) => {
    const name = lang === "zh" ? line.name_zh || line.name : line.name;
    const less = make("button", { class: "button", type: "button", "aria-label": word(line.quantity > 1 ? "less" : "out") }, icon(line.quantity > 1 ? "minus" : "trash-2"));
    const more = make("button", { class: "button", type: "button", "aria-label": word("more"), disabled: line.quantity >= 99 }, icon("plus"));
    const note = make("button", { class: "button square plain", type: "button", "aria-label": word("note", { dish: name }), title: word("note", { dish: name }) }, icon("pencil"));
    less.addEventListener("click", () => step(line, -1));
    more.addEventListener("click", () => step(line, 1));
    note.addEventListener("click", () => {
      const dish = data?.menu.flatMap((section) => section.items).find((one) => one.id === line.item);
      if (dish) choose(dish, line);
    });
    const small = [lang === "zh" ? line.chosen_zh : line.chosen, line.note && `“${line.note}”`].filter(Boolean).join(" · ");
    return make("li", { class: "row", "data-testid": "chosen-line" },
      make("span", { class: "row-body" }, make("span", { class: "row-title" }, name), small ? make("span", { class: "row-note" }, small) : undefined,
        make("span", { class: "num small" }, money(line.unit * line.quantity))),
      note, make("span", { class: "stepper", role: "group", "aria-label": word("many", { dish: name }) }, less, make("output", { class: "count" }, String(line.quantity)), more));
  });
  part("chosen").replaceChildren(...(rows.length ? rows : [make("li", { class: "soft offline-hint" }, word("nothing"))]));
  const keepable = lines.length > 0 && (kind !== "table" || !!place);
  const button = part<HTMLButtonElement>("keep");
  button.disabled = !keepable || busy;
  (button.firstElementChild as HTMLElement).textContent = !lines.length ? word("keep_first") : keepable ? word("keep", { amount: money(sum(lines)) }) : word("choose_table");
}

function drawPlaces(): void {
  const tables = data?.places.table || [];
  part("kinds").hidden = !tables.length;
  part("places").hidden = kind !== "table";
  part("channels").hidden = kind !== "counter";
  for (const button of document.querySelectorAll<HTMLElement>("[data-kind]")) button.setAttribute("aria-pressed", String(button.dataset.kind === kind));
  for (const button of document.querySelectorAll<HTMLElement>("[data-channel]")) button.setAttribute("aria-pressed", String(button.dataset.channel === channel));
  part("places").replaceChildren(...tables.map((table) => {
    const button = make("button", { class: "chip", type: "button", "data-place": table.id, "data-testid": "place", "aria-pressed": String(table.id === place?.id) }, table.name);
    button.addEventListener("click", () => { place = table; drawPlaces(); drawOrder(); });
    return button;
  }));
}

function stands(order: Kept): [string, string] {
  if (order.state === "waiting") return ["clock", order.store === data?.store.id ? word("here_kept") : word("elsewhere")];
  switch (order.came_to) {
    case "replayed": return ["check", word("replayed", { what: order.kind === "table" ? seat(order.told) : order.told })];
    case "trouble": return ["triangle-alert", word("trouble", { why: order.why })];
    case "waiting": return ["clock", word("held")];
    case "dropped": return ["check", word("dropped")];
    default: return ["check", word("sent")];
  }
}

/** However often it is asked for, one drawing at a time, the last one with all that was asked before: queues may be long. */
let drawing: Promise<void> | undefined;
let stale = false;
function drawQueue(): Promise<void> {
  stale = true;
  drawing ||= (async () => {
    while (stale) {
      stale = false;
      await drawOrders();
    }
  })().finally(() => { drawing = undefined; });
  return drawing;
}

async function drawOrders(): Promise<void> {
  const orders = await queue();
  const waiting = orders.filter((one) => one.state === "waiting");
  root.dataset.waiting = String(waiting.length);
  const chip = part("waiting");
  chip.textContent = waiting.length === 1 ? word("waiting_one") : word("waiting", { n: String(waiting.length) });
  chip.className = waiting.length ? "chip waiting" : "chip paid";
  part("look").hidden = !orders.some((one) => one.came_to === "trouble");
  part("queue").replaceChildren(...orders.sort((a, b) => (a.taken_at < b.taken_at ? 1 : -1)).slice(0, 60).map((order) => {
    const [picture, words] = stands(order);
    const time = new Date(order.taken_at).toLocaleTimeString(lang === "zh" ? "zh-CN" : "en-GB", { hour: "2-digit", minute: "2-digit" });
    const elsewhere = order.store !== data?.store.id;
    const dishes = elsewhere ? "" : order.lines.map((line) => `${line.quantity} × ${lang === "zh" ? line.name_zh || line.name : line.name}`).join(lang === "zh" ? "，" : ", ");
    return make("li", { class: "row", "data-testid": "queued", "data-state": order.state, "data-seq": String(order.seq) }, icon(picture),
      make("span", { class: "row-body" },
        make("span", { class: "row-title" }, make("strong", { class: "num" }, order.label), ` ${elsewhere ? "" : order.kind === "table" ? seat(order.place_name) : word(order.channel === "takeaway" ? "away" : "here")}`),
        dishes && make("span", { class: "row-note" }, dishes), make("span", { class: "row-note" }, `${time} · ${words}`)),
      elsewhere ? undefined : make("span", { class: "row-end num" }, money(order.total)));
  }));
}

function drawState(): void {
  root.dataset.state = state;
  const words = state === "looking" ? word("looking") : state === "lost" ? word("lost") : word("connected");
  part("server").lastElementChild!.textContent = words;
  part("server").className = state === "lost" || state === "looking" ? "chip waiting" : "chip paid";
  part("server").querySelector("svg")!.toggleAttribute("hidden", state !== "lost");
  for (const banner of document.querySelectorAll<HTMLElement>("[data-when]")) banner.hidden = banner.dataset.when !== state || practice;
}

async function keepIt(): Promise<void> {
  if (!data || !lines.length || busy || (kind === "table" && !place)) return;
  busy = true;
  drawOrder();
  const draft: Draft = {
    kind, place: kind === "table" ? place!.id : "", place_name: kind === "table" ? place!.name : "", seen: kind === "table" ? place!.seen : "",
    channel: kind === "counter" ? channel : "", currency: data.currency, lines, total: sum(lines),
  };
  try {
    const order = await keep(data.store.id, data.staff, draft);
    lines = [];
    place = undefined;
    part("said").textContent = word("kept", { label: order.label });
    part("said").dataset.label = order.label;
  } catch {
    part("said").textContent = word("not_kept");
  }
  busy = false;
  drawPlaces();
  drawOrder();
  await drawQueue();
  if (state === "connected") void look();
}

async function look(): Promise<void> {
  try {
    state = await send(() => void drawQueue());
  } catch {
    state = "lost";
  }
  await fresh();
  drawState();
  await drawQueue();
}

/** What is known may have changed: a menu, a table. An order that is being taken stays as it is. */
let version = "";
async function fresh(): Promise<void> {
  data = await known();
  practice = !real && ((await practising()) || document.body.classList.contains("practising"));
  const now = JSON.stringify([data?.menu, data?.places, data?.store]);
  part("practice").hidden = !practice;
  part("unprepared").hidden = !!data || practice;
  part("take-order").hidden = !data || practice;
  if (!data || now === version) return;
  version = now;
  part("shop").textContent = called(data.store);
  const tables = data.places.table || [];
  if (!kind || (kind === "table" && !tables.length)) kind = tables.length && !location.pathname.startsWith("/counter") ? "table" : "counter";
  place = tables.find((table) => table.id === place?.id);
  drawMenu();
  drawPlaces();
  drawOrder();
}

part("real").addEventListener("click", () => {
  real = true;
  void fresh().then(drawState);
});
part("find").addEventListener("input", find);
part("choose-form").addEventListener("submit", chosen);
part("keep").addEventListener("click", () => void keepIt());
root.addEventListener("click", (event) => {
  const button = (event.target as Element).closest<HTMLElement>("[data-kind], [data-channel]");
  if (!button) return;
  kind = button.dataset.kind || kind;
  channel = button.dataset.channel || channel;
  drawPlaces();
  drawOrder();
});
const home = /^\/(counter|tablet)/.exec(location.pathname);
if (home) part<HTMLAnchorElement>("leave").href = home[0];
drawState();
void fresh().then(drawQueue).then(look);
startOffline();
window.addEventListener("online", () => void look());
window.setInterval(() => { if (!["connected", "practice"].includes(state) || root.dataset.waiting !== "0") void look(); }, 1500);
