// The cashier sheet: shows what is asked, takes the PIN, tells how it ended. The server writes every word and picture of
// it; here is only what moves. What a reader would get wrong: closing the sheet does not close the trade.

import { paidSound, failedSound } from "./sound";

/** What `tradePay` tells a page, https://docs.antom.com/ac/global/jsapitradepay */
export type ResultCode = "9000" | "8000" | "4000" | "5000" | "6001" | "6002" | "6004" | "99";

export interface Ask {
  /** The trade number, or the text of a scanned code. */
  trade?: string;
  code?: string;
  /** An amount the buyer typed for a shop's printed code. */
  amount?: string;
  /** What opened the sheet; decides which ways out it offers. */
  origin: "page" | "prompt" | "scan";
}

interface Ending {
  code: ResultCode;
  html: string;
  /** The sheet stays open and asks again (a wrong PIN). */
  again?: boolean;
  hint?: string;
}

let open = false;

export const sheetIsOpen = (): boolean => open;

/** Draw the sheet into `place` and resolve, when it has gone again, to the truth as far as the wallet knows it. */
export async function cashier(ask: Ask, place: HTMLElement | ShadowRoot): Promise<ResultCode> {
  if (open) return "5000";
  open = true;
  try {
    return await show(ask, place);
  } finally {
    open = false;
  }
}

async function show(ask: Ask, place: HTMLElement | ShadowRoot): Promise<ResultCode> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(ask)) if (value) query.set(name, value);
  const veil = document.createElement("div");
  veil.className = "w-veil";
  const before = document.activeElement as HTMLElement | null;
  try {
    const answer = await fetch(`/wallet/cashier?${query}`, { headers: { "X-Wallet": "1" } });
    veil.innerHTML = await answer.text();
  } catch {
    return "6002";
  }
  place.append(veil);
  requestAnimationFrame(() => veil.classList.add("is-open"));
  const ended = await new Sheet(veil, ask).ended;
  veil.classList.remove("is-open");
  window.setTimeout(() => veil.remove(), 180);
  before?.focus?.();
  return ended;
}

class Sheet {
  readonly ended: Promise<ResultCode>;
  private end!: (code: ResultCode) => void;
  private code: ResultCode = "6001";
  private digits = "";
  private busy = false;

  constructor(private readonly veil: HTMLElement, private readonly ask: Ask) {
    this.ended = new Promise((resolve) => (this.end = resolve));
    veil.addEventListener("click", (event) => this.clicked(event));
    veil.addEventListener("keydown", (event) => this.keyed(event));
    if (veil.querySelector("[data-ended]")) this.code = (veil.querySelector<HTMLElement>("[data-ended]")!.dataset.ended || "4000") as ResultCode;
    this.step(veil.querySelector("[data-ended]") ? "ended" : "confirm");
  }

  private step(name: string): void {
    for (const part of this.veil.querySelectorAll<HTMLElement>("[data-step]")) part.hidden = part.dataset.step !== name;
    // The sheet itself takes the focus: a ring around a button nobody chose looks like a choice already made.
    this.veil.querySelector<HTMLElement>("[data-sheet]")?.focus({ preventScroll: true });
  }

  private clicked(event: Event): void {
    const button = (event.target as HTMLElement).closest<HTMLElement>("[data-do],[data-key]");
    if (!button || this.busy) return;
    if (button.dataset.key) this.press(button.dataset.key);
    else this.act(button.dataset.do!);
  }

  private keyed(event: KeyboardEvent): void {
    if (event.key === "Tab") this.keepFocus(event);
    if (this.busy) return;
    if (event.key === "Escape") return this.act("close");
    const atPin = !this.veil.querySelector<HTMLElement>('[data-step="pin"]')?.hidden;
    if (!atPin) return;
    if (/^\d$/.test(event.key)) this.press(event.key);
    else if (event.key === "Backspace") this.press("back");
  }

  /** The sheet is a dialog: Tab goes round inside it. */
  private keepFocus(event: KeyboardEvent): void {
    const stops = [...this.veil.querySelectorAll<HTMLElement>("button")].filter((one) => one.offsetParent !== null);
    const root = this.veil.getRootNode() as Document | ShadowRoot;
    const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
    const atStart = event.shiftKey && root.activeElement === this.veil.querySelector("[data-sheet]");
    if (stops.length && (root.activeElement === edge || atStart)) {
      event.preventDefault();
      (event.shiftKey ? stops[stops.length - 1] : stops[0])?.focus();
    }
  }

  private act(what: string): void {
    switch (what) {
      case "close":
        return this.end(this.code);
      case "forgot":
        return this.end("99");
      case "pin":
        return this.step("pin");
      case "pay":
        return void this.send("pay", "");
      case "refuse":
        return void this.send("refuse", "");
    }
  }

  private press(key: string): void {
    this.digits = key === "back" ? this.digits.slice(0, -1) : (this.digits + key).slice(0, 6);
    this.showDots();
    if (this.digits.length === 6) {
      const pin = this.digits;
      window.setTimeout(() => void this.send("pay", pin), 120);
      this.busy = true;
    }
  }

  private showDots(): void {
    const dots = this.veil.querySelector<HTMLElement>("[data-dots]");
    if (!dots) return;
    [...dots.children].forEach((dot, at) => dot.classList.toggle("is-full", at < this.digits.length));
    dots.setAttribute("aria-valuenow", String(this.digits.length));
  }

  private async send(what: string, pin: string): Promise<void> {
    this.busy = true;
    const sheet = this.veil.querySelector<HTMLElement>("[data-sheet]")!;
    const back = pin ? "pin" : "confirm";
    this.step("processing");
    let ending: Ending;
    try {
      const answer = await fetch("/wallet/cashier", {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-Wallet": "1" },
        body: JSON.stringify({ act: what, pin, trade: sheet.dataset.trade, code: sheet.dataset.code, amount: sheet.dataset.amount }),
      });
      ending = (await answer.json()) as Ending;
    } catch {
      // The order to pay may have arrived: nobody knows.
      return this.end(what === "pay" ? "6004" : "6002");
    } finally {
      this.busy = false;
    }
    if (ending.again) {
      this.digits = "";
      this.showDots();
      this.step(back);
      const hint = this.veil.querySelector<HTMLElement>("[data-hint]");
      if (hint) hint.textContent = ending.hint || "";
      const dots = this.veil.querySelector<HTMLElement>("[data-dots]");
      dots?.classList.remove("is-wrong");
      void dots?.offsetWidth;
      dots?.classList.add("is-wrong");
      return;
    }
    this.code = ending.code;
    sheet.innerHTML = ending.html;
    this.step("ended");
    if (ending.code === "9000") {
      paidSound();
      // Like the wallet it plays, it hands a page back its screen by itself.
      if (this.ask.origin === "page") window.setTimeout(() => this.end(this.code), 1800);
    } else if (ending.code === "4000") failedSound();
  }
}
