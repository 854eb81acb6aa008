// The diner's phone: badges on the menu, the running price of a dish with choices, a fresh key for every tap. Nothing here
// is needed to order; what a reader would get wrong: prices shown here are a preview, the server's price is the price.

type Request = { ctx: { sourceElement: Element; request: { body?: FormData }; response?: { status: number } } };

function badges(): void {
  const bar = document.getElementById("bar");
  const mine = JSON.parse(bar?.dataset.mine || "{}") as Record<string, number>;
  for (const button of document.querySelectorAll<HTMLElement>("[data-badge]")) {
    const count = mine[button.dataset.badge || ""] || 0;
    if (count) button.dataset.count = String(count);
    else delete button.dataset.count;
  }
}

function key(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return [...bytes].map((byte) => byte.toString(36).padStart(2, "0")).join("");
}

/** The sum of a dish with its choices; a group's last allowed choice closes the others. */
function reckon(form: HTMLFormElement): void {
  let piece = Number(form.dataset.price);
  for (const input of form.querySelectorAll<HTMLInputElement>("input[data-change]:checked")) piece += Number(input.dataset.change);
  for (const group of form.querySelectorAll<HTMLElement>("[data-group]")) {
    const boxes = [...group.querySelectorAll<HTMLInputElement>('input[type="checkbox"]')];
    const chosen = boxes.filter((box) => box.checked).length;
    const most = Number(group.dataset.most);
    const least = Number(group.dataset.least);
    for (const box of boxes) {
      if (box.dataset.gone === undefined) box.dataset.gone = box.disabled ? "1" : "";
      box.disabled = box.dataset.gone === "1" || (!box.checked && chosen >= most);
    }
    const first = boxes.find((box) => box.dataset.gone !== "1");
    first?.setCustomValidity(boxes.length && chosen < least ? group.dataset.needs || "" : "");
  }
  const shown = form.querySelector<HTMLOutputElement>("[data-sum]");
  if (!shown) return;
  const quantity = Number(form.querySelector<HTMLInputElement>('input[name="quantity"]')?.value || 1);
  const format = shown.dataset.format || "";
  const digits = /\.(\d+)/.exec(format)?.[1]?.length || 0;
  const number = ((Math.max(0, piece) * quantity) / 10 ** digits).toFixed(digits);
  const [whole, part] = number.split(".");
  const grouped = (whole || "0").replace(/\B(?=(\d{3})+$)/g, ",");
  shown.textContent = format.replace(/\d[\d.]*/, part ? `${grouped}.${part}` : grouped);
}

function dish(): void {
  const form = document.querySelector<HTMLFormElement>("form[data-dish]");
  if (form) reckon(form);
}

document.addEventListener("change", (event) => {
  const form = (event.target as Element).closest<HTMLFormElement>("form[data-dish]");
  if (form) reckon(form);
});

document.addEventListener("htmx:config:request", (event) => {
  const { sourceElement, request } = (event as CustomEvent<Request>).detail.ctx;
  if (sourceElement.id === "order" && request.body instanceof FormData) request.body.set("key", key());
});

document.addEventListener("htmx:after:request", (event) => {
  const { sourceElement, response } = (event as CustomEvent<Request>).detail.ctx;
  const form = sourceElement.closest<HTMLElement>("[data-closes]");
  if (!form || !response || response.status >= 400) return;
  const sheet = document.getElementById(form.dataset.closes || "");
  if (sheet instanceof HTMLDialogElement) sheet.close();
  else location.assign(form.dataset.back || "/");
});

// What a press was told stays readable when news from the table redraws the sheet a moment later.
const READABLE = 8000;
let said: { banner: Element; at: number } | undefined;

function keepSaying(by: Element): void {
  const body = document.querySelector("#sheet .sheet-body");
  const banner = body?.querySelector(":scope > .banner");
  if (banner && by.matches("form")) said = { banner: banner.cloneNode(true) as Element, at: Date.now() };
  else if (!banner && body && by.matches(".sheet-in") && said && Date.now() - said.at < READABLE) {
    (said.banner as HTMLElement).removeAttribute("data-sound");
    body.prepend(said.banner.cloneNode(true));
  } else if (by.matches("form, a")) said = undefined;
}

document.addEventListener("htmx:after:swap", (event) => {
  badges();
  dish();
  const by = (event as CustomEvent<Request>).detail.ctx?.sourceElement;
  if (by) keepSaying(by);
});

// A sheet that is opened again shows its skeleton first, never the other sheet's content.
function rest(): void {
  const waiting = document.querySelector<HTMLTemplateElement>("#sheet-waiting");
  if (waiting) document.getElementById("sheet")?.replaceChildren(waiting.content.cloneNode(true));
}

document.addEventListener("close", (event) => {
  if ((event.target as HTMLElement).id === "sheet") rest();
}, true);

document.body.addEventListener("live:closed", () => {
  const over = document.getElementById("over");
  if (over instanceof HTMLDialogElement && !over.open) over.showModal();
});

rest();
badges();
dish();
