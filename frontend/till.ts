// The till: what is about to be taken, the scanner that types anywhere, bills by arrow keys, moves by Alt and a letter.
// What a reader would get wrong: the amount shown here is a preview; the server compares it with its own (`shown`).

import { startOffline } from "./lib/offline_send";

type Request = { ctx: { sourceElement: Element; request: { body?: FormData }; response?: { status: number } } };

const typing = (element: Element | null): boolean =>
  element instanceof HTMLTextAreaElement || element instanceof HTMLSelectElement ||
  (element instanceof HTMLInputElement && !["checkbox", "radio"].includes(element.type));

function shown(minor: number, format: string): string {
  const digits = /\.(\d+)/.exec(format)?.[1]?.length || 0;
  const [whole, part] = (minor / 10 ** digits).toFixed(digits).split(".");
  const grouped = (whole || "0").replace(/\B(?=(\d{3})+$)/g, ",");
  return format.replace(/\d[\d.,]*/, part ? `${grouped}.${part}` : grouped);
}

/** A typed amount goes before an even part, that before ticked dishes, those before everything: as on the server. */
function reckon(): void {
  const form = document.querySelector<HTMLFormElement>("#take");
  const amount = form?.querySelector<HTMLElement>("#take-amount");
  const what = form?.querySelector<HTMLElement>("#take-what");
  if (!form || !amount || !what) return;
  const left = Number(amount.dataset.left);
  const format = amount.dataset.format || "";
  const digits = /\.(\d+)/.exec(format)?.[1]?.length || 0;
  const typed = form.querySelector<HTMLInputElement>('input[name="typed"]')?.value || "";
  const ticked = [...form.querySelectorAll<HTMLInputElement>('input[name="line"]:checked')];
  let minor = left;
  let words = what.dataset.rest || "";
  const even = form.querySelector<HTMLInputElement>('input[name="ways"]:checked');
  if (Number(typed) > 0) {
    minor = Math.round(Number(typed) * 10 ** digits);
    words = what.dataset.typed || "";
  } else if (even?.value) {
    minor = Number(even.dataset.minor);
    words = (what.dataset.even || "").replace("{n}", even.value);
  } else if (ticked.length) {
    minor = Math.min(left, ticked.reduce((sum, box) => sum + Number(box.dataset.minor), 0));
    words = ticked.length === 1 ? what.dataset.one || "" : (what.dataset.some || "").replace("{n}", String(ticked.length));
  }
  amount.classList.toggle("too-much", minor > left);
  const hidden = form.querySelector<HTMLInputElement>('input[name="shown"]');
  if (hidden) hidden.value = String(minor);
  // The bill and its tip are two things: what is compared with the server is the bill's part, what is asked for is both.
  const tip = Math.max(0, Math.round(Number(form.querySelector<HTMLInputElement>("[data-tip]")?.value || 0) * 10 ** digits)) || 0;
  what.textContent = tip ? `${words} · ${(what.dataset.withTip || "").replace("{tip}", shown(tip, format))}` : words;
  minor += tip;
  amount.textContent = shown(minor, format);
  for (const mirror of document.querySelectorAll<HTMLElement>("[data-take-amount]")) mirror.textContent = shown(minor, format);
  const given = document.querySelector<HTMLInputElement>('#take-cash input[name="given"]')?.value || "";
  const change = document.querySelector<HTMLElement>("[data-change]");
  if (change) change.textContent = shown(given ? Math.max(0, Math.round(Number(given) * 10 ** digits) - minor) : 0, format);
}

/** A scanner types wherever the focus is; a run of digits outside a text field belongs to the scan field. */
function catchScan(event: KeyboardEvent): void {
  const scan = document.querySelector<HTMLInputElement>("[data-scan-focus]");
  if (!scan || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const active = document.activeElement;
  if (event.key.length === 1 && event.key !== " " && !typing(active)) scan.focus({ preventScroll: true });
  if (event.key === "Enter" && active instanceof HTMLInputElement && active.name === "typed") {
    event.preventDefault();
    scan.focus({ preventScroll: true });
  }
  if (event.key === "Escape" && active !== scan) scan.focus({ preventScroll: true });
}

/** Arrow keys walk through the bills while nothing is typed; Enter on a tile opens it. */
function walk(event: KeyboardEvent): void {
  if (!["ArrowDown", "ArrowUp", "ArrowRight", "ArrowLeft"].includes(event.key) || document.querySelector("dialog[open]")) return;
  const active = document.activeElement;
  if (typing(active) && (active as HTMLInputElement).value) return;
  const tiles = [...document.querySelectorAll<HTMLElement>("[data-tile]")];
  if (!tiles.length) return;
  const at = tiles.indexOf(active as HTMLElement);
  const from = at >= 0 ? at : tiles.findIndex((tile) => tile.getAttribute("aria-current") === "true");
  const step = event.key === "ArrowDown" || event.key === "ArrowRight" ? 1 : -1;
  const next = tiles[from < 0 ? (step > 0 ? 0 : tiles.length - 1) : (from + step + tiles.length) % tiles.length];
  event.preventDefault();
  next?.focus();
}

function select(): void {
  const chosen = document.querySelector<HTMLElement>("#pane[data-sitting]")?.dataset.sitting;
  if (!chosen) return;
  for (const tile of document.querySelectorAll<HTMLElement>("[data-tile]")) {
    if (tile.dataset.tile === chosen) tile.setAttribute("aria-current", "true");
    else tile.removeAttribute("aria-current");
  }
  document.querySelector(".till-left")?.classList.add("has-choice");
  const tiles = document.getElementById("tiles");
  if (tiles) tiles.setAttribute("hx-get", `/till/bills?selected=${encodeURIComponent(chosen)}`);
}

function find(field: HTMLInputElement): void {
  const wanted = field.value.trim().toLowerCase();
  for (const section of document.querySelectorAll<HTMLElement>("[data-find-in]")) {
    let any = false;
    for (const key of section.querySelectorAll<HTMLElement>("[data-name]")) {
      const fits = (key.dataset.name || "").includes(wanted);
      (key.closest("form") || key).hidden = !fits;
      any = any || fits;
    }
    section.hidden = !any;
  }
}

/** Alt and a letter make the till's main moves: letters alone belong to the scanner, F-keys to the browser. */
function shortcut(event: KeyboardEvent): void {
  if (!event.altKey || event.ctrlKey || event.metaKey || event.repeat || document.querySelector("dialog[open]")) return;
  const key = event.code.startsWith("Key") ? event.code.slice(3).toLowerCase() : event.code === "Slash" ? "?" : "";
  const target = key && document.querySelector<HTMLElement>(`[data-key-alt="${key}"]`);
  if (!target) return;
  event.preventDefault();
  if (target instanceof HTMLInputElement) target.focus();
  else target.click();
}

document.addEventListener("keydown", (event) => {
  shortcut(event);
  walk(event);
  catchScan(event);
});
document.addEventListener("click", (event) => {
  const quick = (event.target as Element).closest<HTMLElement>("[data-percent]");
  const field = quick?.closest("form")?.querySelector<HTMLInputElement>('input[name="typed"]');
  const percent = quick?.closest("form")?.querySelector<HTMLInputElement>('input[name="off"][value="percent"]');
  if (!quick || !field || !percent) return;
  field.value = quick.dataset.percent || "";
  percent.checked = true;
});
document.addEventListener("input", (event) => {
  const field = event.target as HTMLInputElement;
  if (field.dataset.find !== undefined) find(field);
  else reckon();
});
document.addEventListener("change", (event) => {
  reckon();
  // After a tick the scanner is ready again.
  if ((event.target as HTMLInputElement).name === "line") document.querySelector<HTMLInputElement>("#scan")?.focus({ preventScroll: true });
});
document.addEventListener("click", (event) => {
  if ((event.target as Element).closest(".till-pad [data-key]")) window.setTimeout(() => document.querySelector<HTMLInputElement>("#scan")?.focus({ preventScroll: true }), 0);
});
document.addEventListener("htmx:config:request", (event) => {
  const { sourceElement, request } = (event as CustomEvent<Request>).detail.ctx;
  if (sourceElement.matches("[data-fresh-key]") && request.body instanceof FormData) {
    const bytes = crypto.getRandomValues(new Uint8Array(12));
    request.body.set("key", [...bytes].map((byte) => byte.toString(36).padStart(2, "0")).join(""));
  }
});
document.addEventListener("htmx:after:request", (event) => {
  const { sourceElement, response } = (event as CustomEvent<Request>).detail.ctx;
  if (!sourceElement.matches("form[data-closes]") || !response || response.status >= 400) return;
  (sourceElement as HTMLFormElement).reset();
  sourceElement.closest("dialog")?.close();
});
document.addEventListener("htmx:after:swap", (event) => {
  select();
  reckon();
  // A bill that was chosen is there to be paid: the scanner's field has the keys, the pad and the button come next.
  const by = (event as CustomEvent<Request>).detail.ctx?.sourceElement;
  if (by?.matches("[data-tile]")) document.querySelector<HTMLElement>("#pane [data-scan-focus]")?.focus({ preventScroll: true });
});
// The bill's lines follow what happens at the table, but never under the cashier's fingers: only the lines are replaced.
document.body.addEventListener("live:any", (event) => {
  const pane = document.querySelector<HTMLElement>("#pane[data-sitting]");
  const kind = (event as CustomEvent<{ kind: string }>).detail.kind;
  if (!pane || !["bill", "tickets", "again"].includes(kind) || pane.querySelector("#take.htmx-request")) return;
  const chosen = pane.querySelector('input[name="line"]:checked, input[name="ways"]:checked:not([value=""])');
  const typed = [...pane.querySelectorAll<HTMLInputElement>('input[name="typed"], [data-tip]')].some((field) => field.value);
  if (document.querySelector("dialog[open]") || chosen || typed) {
    pane.classList.add("stale");
    return;
  }
  window.clearTimeout(later);
  later = window.setTimeout(() => {
    // Who has pressed something meanwhile gets the answer to that, not the bill once more in its place.
    if (!pane.isConnected || pane.querySelector(".htmx-request") || document.querySelector("dialog[open]")) return;
    const htmx = (window as unknown as { htmx: { ajax(method: string, path: string, options: object): void } }).htmx;
    if (!document.querySelector<HTMLInputElement>("#scan")?.value) htmx.ajax("GET", `/till/bills/${pane.dataset.sitting}`, { target: "#pane", swap: "outerHTML" });
  }, 150);
});
let later = 0;
select();
reckon();
startOffline();
