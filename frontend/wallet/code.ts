// The payment code: a fresh one each minute, a countdown, and a button that copies the digits for a till without scanner.

import { largeCode } from "./large";

export function paymentCode(): void {
  const place = document.querySelector<HTMLElement>("[data-code]");
  if (!place) return;
  const enlarged = largeCode(place);
  let ends = 0;

  const begin = (): void => {
    const card = place.querySelector<HTMLElement>("[data-seconds]");
    ends = Date.now() + Number(card?.dataset.seconds || "0") * 1000;
  };

  const renew = async (): Promise<void> => {
    try {
      const answer = await fetch("/wallet/code/fresh", { method: "POST", headers: { "X-Wallet": "1" } });
      if (!answer.ok) throw new Error(String(answer.status));
      place.innerHTML = await answer.text();
      begin();
      enlarged();
    } catch {
      ends = Date.now() + 3000;
    }
  };

  place.addEventListener("click", (event) => {
    const button = (event.target as HTMLElement).closest<HTMLElement>("[data-copy],[data-renew]");
    if (!button) return;
    if (button.dataset.renew !== undefined) {
      void renew();
      return;
    }
    const words = button.querySelector<HTMLElement>("[data-words]");
    void copy(button.dataset.copy!).then((done) => {
      if (!words || !done) return;
      const before = words.textContent;
      words.textContent = button.dataset.copied!;
      window.setTimeout(() => (words.textContent = before), 1600);
    });
  });
  begin();
  window.setInterval(() => {
    const left = Math.max(0, Math.ceil((ends - Date.now()) / 1000));
    for (const count of document.querySelectorAll<HTMLElement>("[data-left]")) count.textContent = String(left);
    const bar = place.querySelector<HTMLProgressElement>("progress");
    if (bar) bar.value = left;
    if (left === 0 && !document.hidden && ends) {
      ends = 0;
      void renew();
    }
  }, 250);
  // The wallet of somebody who has just paid shows a new code: the old one is used up.
  document.addEventListener("wallet:paid", () => void renew());
}

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
