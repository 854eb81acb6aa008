// A forgotten PIN: two questions, a new PIN, the same once more. The server checks every answer again at the end.

import type { Pad } from "./pad";
import { tickSound } from "./sound";

interface Told {
  text?: string;
  problem?: string;
}

export class Forgotten {
  private identity = "";
  private text = "";
  private pin = "";

  constructor(private readonly veil: HTMLElement, private readonly step: (name: string) => Pad | undefined) {}

  /** What was typed at one of the steps. */
  async answer(at: string, digits: string, pad: Pad): Promise<void> {
    switch (at) {
      case "who": {
        const told = await this.ask({ identity: digits }, pad);
        if (!told) return;
        this.identity = digits;
        this.veil.querySelector<HTMLElement>("[data-text]")!.textContent = told.text || "";
        tickSound();
        this.step("text");
        return;
      }
      case "text":
        if (!(await this.ask({ identity: this.identity, text: digits }, pad))) return;
        this.text = digits;
        this.step("new");
        return;
      case "new":
        this.pin = digits;
        this.step("again");
        return;
      case "again":
        if (digits !== this.pin) {
          const differ = this.veil.querySelector<HTMLElement>("[data-differ]")?.dataset.differ || "";
          this.step("new")?.wrong(differ);
          return;
        }
        if (await this.ask({ identity: this.identity, text: this.text, pin: digits }, pad)) this.step("changed");
    }
  }

  private async ask(answers: object, pad: Pad): Promise<Told | undefined> {
    try {
      const answer = await fetch("/wallet/new-pin", {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-Wallet": "1" },
        body: JSON.stringify(answers),
      });
      const told = (await answer.json()) as Told;
      if (!told.problem) return told;
      pad.wrong(told.problem);
    } catch {
      pad.wrong("");
    }
    return undefined;
  }
}
