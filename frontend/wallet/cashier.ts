// The cashier sheet: shows what is asked, takes the PIN, tells how it ended. The server writes every word and picture of
// it; here is only what moves. What a reader would get wrong: closing the sheet does not close the trade.

import { countdowns } from "./countdown";
import { Pad } from "./pad";
import { Forgotten } from "./forgotten";
import { paidSound, failedSound } from "./sound";

/** What `tradePay` tells a page, https://docs.antom.com/ac/global/jsapitradepay */
export type ResultCode = "9000" | "8000" | "4000" | "5000" | "6001" | "6002" | "6004" | "99";

export interface Ask {
  /** The trade number, or the text of a scanned code. */
  trade?: string;
  code?: string;
  /** An amount the buyer typed for a shop's printed code. */
  amount?: string;
  /** What opened the sheet; decides which ways out it offers. `pin`: no payment, only a new PIN. */
  origin: "page" | "prompt" | "scan" | "pin";
}

interface Ending {
  code: ResultCode;
  html: string;
  /** The sheet stays open and asks again (a wrong PIN); `locked`: no PIN will do. */
  again?: boolean;
  locked?: boolean;
  hint?: string;
}

/** How often an open sheet looks whether it may still be paid, in milliseconds. */
const LOOK = 1500;

let open = false;

export const sheetIsOpen = (): boolean => open;

/** Draw the sheet into `place` and resolve to the truth as far as the wallet knows it: when the sheet has gone again,
 *  or, for a page, the moment its buyer leaves for a new PIN. */
export async function cashier(ask: Ask, place: HTMLElement | ShadowRoot): Promise<ResultCode> {
  if (open) return "5000";
  open = true;
  const veil = document.createElement("div");
  veil.className = "w-veil";
  const before = document.activeElement as HTMLElement | null;
  try {
    veil.innerHTML = await drawn(ask);
  } catch {
    open = false;
    return "6002";
  }
  place.append(veil);
  requestAnimationFrame(() => veil.classList.add("is-open"));
  const sheet = new Sheet(veil, ask);
  void sheet.gone.then(() => {
    open = false;
    veil.classList.remove("is-open");
    window.setTimeout(() => veil.remove(), 180);
    before?.focus?.();
  });
  return sheet.ended;
}

async function drawn(ask: Ask): Promise<string> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(ask)) if (value) query.set(name, value);
  const path = ask.origin === "pin" ? "/wallet/new-pin" : `/wallet/cashier?${query}`;
  const answer = await fetch(path, { headers: { "X-Wallet": "1" } });
  // A refusal is no sheet: it would be drawn as letters, and nothing could close it.
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.text();
}

class Sheet {
  readonly ended: Promise<ResultCode>;
  readonly gone: Promise<void>;
  private tell!: (code: ResultCode) => void;
  private leave!: () => void;
  private code: ResultCode = "6001";
  private at = "";
  private busy = false;
  private pad?: Pad;
  private readonly forgotten: Forgotten;

  constructor(private readonly veil: HTMLElement, private readonly ask: Ask) {
    this.ended = new Promise((resolve) => (this.tell = resolve));
    this.gone = new Promise((resolve) => (this.leave = resolve));
    this.forgotten = new Forgotten(veil, (step) => this.step(step));
    veil.addEventListener("click", (event) => this.clicked(event));
    veil.addEventListener("keydown", (event) => this.keyed(event));
    this.begin();
    const watching = window.setInterval(() => void this.look(), LOOK);
    void this.gone.then(() => window.clearInterval(watching));
  }

  private get sheet(): HTMLElement {
    return this.veil.querySelector<HTMLElement>("[data-sheet]")!;
  }

  private begin(): void {
    const ended = this.veil.querySelector<HTMLElement>("[data-ended]");
    if (ended) this.code = (ended.dataset.ended || "4000") as ResultCode;
    countdowns(this.veil);
    this.step(ended ? "ended" : this.sheet.dataset.first || "confirm");
  }

  private step(name: string): Pad | undefined {
    this.at = name;
    for (const part of this.veil.querySelectorAll<HTMLElement>("[data-step]")) part.hidden = part.dataset.step !== name;
    const part = this.veil.querySelector<HTMLElement>(`[data-step="${name}"]`);
    this.pad = part?.querySelector("[data-dots]") ? new Pad(part) : undefined;
    // The sheet itself takes the focus: a ring around a button nobody chose looks like a choice already made.
    this.sheet.focus({ preventScroll: true });
    return this.pad;
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
    if (/^\d$/.test(event.key)) this.press(event.key);
    else if (event.key === "Backspace") this.press("back");
  }

  /** The sheet is a dialog: Tab goes round inside it. */
  private keepFocus(event: KeyboardEvent): void {
    const stops = [...this.veil.querySelectorAll<HTMLElement>("button")].filter((one) => one.offsetParent !== null);
    const root = this.veil.getRootNode() as Document | ShadowRoot;
    const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
    const atStart = event.shiftKey && root.activeElement === this.sheet;
    if (stops.length && (root.activeElement === edge || atStart)) {
      event.preventDefault();
      (event.shiftKey ? stops[stops.length - 1] : stops[0])?.focus();
    }
  }

  private act(what: string): void {
    switch (what) {
      case "close":
        this.tell(this.code);
        return this.leave();
      case "forgot":
        // A page hears at once that its buyer went away; the sheet stays for the new PIN.
        if (this.ask.origin === "page") this.tell("99");
        this.step("who");
        return;
      case "confirm":
        return void this.drawAgain();
      case "pin":
        this.step("pin");
        return;
      case "refuse":
        return void this.send("refuse", "");
      case "top_up":
        return void this.topUp();
    }
  }

  private press(key: string): void {
    const whole = this.pad?.press(key);
    if (!whole) return;
    this.busy = true;
    const done = this.at === "pin" ? (): Promise<void> => this.send("pay", whole) : (): Promise<void> => this.answer(whole);
    window.setTimeout(() => void done(), 120);
  }

  private async answer(digits: string): Promise<void> {
    try {
      await this.forgotten.answer(this.at, digits, this.pad!);
    } finally {
      this.busy = false;
    }
  }

  private async drawAgain(): Promise<void> {
    try {
      this.veil.innerHTML = await drawn(this.ask);
      this.begin();
    } catch {
      this.tell("6002");
      this.leave();
    }
  }

  private async topUp(): Promise<void> {
    this.busy = true;
    try {
      await this.post("top_up", "");
      await this.drawAgain();
    } finally {
      this.busy = false;
    }
  }

  /** Somebody may have cancelled, or paid on another phone, while this sheet was open. */
  private async look(): Promise<void> {
    if (document.hidden || this.busy || !["confirm", "pin"].includes(this.at)) return;
    const now = document.createElement("template");
    try {
      now.innerHTML = await drawn(this.ask);
    } catch {
      return;
    }
    if (this.busy || !now.content.querySelector("[data-ended]") || !["confirm", "pin"].includes(this.at)) return;
    this.veil.replaceChildren(now.content);
    this.begin();
    failedSound();
  }

  private post(act: string, pin: string): Promise<Response> {
    const { trade, code, amount } = this.sheet.dataset;
    return fetch("/wallet/cashier", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Wallet": "1" },
      body: JSON.stringify({ act, pin, trade, code, amount }),
    });
  }

  private async send(what: string, pin: string): Promise<void> {
    this.busy = true;
    this.step("processing");
    let ending: Ending;
    try {
      const answer = await this.post(what, pin);
      if (!answer.ok) throw new Error(String(answer.status));
      ending = (await answer.json()) as Ending;
    } catch {
      // The order to pay may have arrived: nobody knows.
      this.tell(what === "pay" ? "6004" : "6002");
      return this.leave();
    } finally {
      this.busy = false;
    }
    if (ending.again) {
      this.step("pin");
      this.veil.querySelector('[data-step="pin"]')!.classList.toggle("is-locked", Boolean(ending.locked));
      this.pad!.wrong(ending.hint || "");
      return;
    }
    this.code = ending.code;
    this.sheet.innerHTML = ending.html;
    this.step("ended");
    if (ending.code === "9000") {
      paidSound();
      // Like the wallet it plays, it hands a page back its screen by itself.
      if (this.ask.origin === "page") window.setTimeout(() => this.act("close"), 1800);
    } else if (ending.code === "4000") failedSound();
  }
}
