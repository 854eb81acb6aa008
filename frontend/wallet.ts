// The toy wallet's own pages. Each page says by data attributes what it needs: data-shell, data-code, data-scan, data-shop.

import { cashier, sheetIsOpen, type ResultCode } from "./wallet/cashier";
import { paymentCode } from "./wallet/code";
import { counter } from "./wallet/counter";
import { scanner } from "./wallet/scan";
import { shopAmount } from "./wallet/shop";
import { pageView } from "./wallet/view";

const screen = document.querySelector<HTMLElement>("[data-screen-place]");
const framed = window.parent !== window;

function onTop(): HTMLElement {
  return screen || document.body;
}

/** Where a payment shows afterwards: the page is read again so that balance and messages are true. */
async function payHere(ask: Parameters<typeof cashier>[0]): Promise<ResultCode> {
  document.dispatchEvent(new Event("wallet:asked"));
  const code = await cashier(ask, onTop());
  document.dispatchEvent(new CustomEvent("wallet:paid", { detail: code }));
  return code;
}

/** A till that waits for this buyer's PIN: look every second or so while somebody looks at the phone. */
function watchForPrompts(): void {
  const seen = new Set<string>(JSON.parse(sessionStorage.getItem("wallet_seen") || "[]") as string[]);
  const badge = document.querySelector<HTMLElement>("[data-unread]");
  const look = async (): Promise<void> => {
    if (document.hidden || sheetIsOpen()) return;
    const answer = await fetch("/wallet/waiting", { headers: { "X-Wallet": "1" } });
    if (!answer.ok) return;
    const now = (await answer.json()) as { trades: string[]; balance: string; told: number[] };
    for (const place of document.querySelectorAll<HTMLElement>("[data-balance]")) {
      if (place.textContent !== now.balance) place.textContent = now.balance;
    }
    if (badge) {
      const last = Number(localStorage.getItem("wallet_read") || "0");
      const fresh = now.told.filter((moment) => moment > last).length;
      badge.hidden = fresh === 0;
      badge.textContent = fresh > 99 ? "99+" : String(fresh);
    }
    const next = now.trades.find((trade) => !seen.has(trade));
    if (!next || sheetIsOpen()) return;
    seen.add(next);
    sessionStorage.setItem("wallet_seen", JSON.stringify([...seen].slice(-50)));
    await payHere({ trade: next, origin: "prompt" });
  };
  const again = (): void => {
    look()
      .catch(() => undefined)
      .finally(() => window.setTimeout(again, 1200));
  };
  again();
}

/** Times in the phone's own zone. */
function localTimes(): void {
  const style: Intl.DateTimeFormatOptions = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" };
  for (const time of document.querySelectorAll<HTMLTimeElement>("time[data-local]")) {
    time.textContent = new Date(time.dateTime).toLocaleString(document.documentElement.lang, style);
  }
}

function start(): void {
  localTimes();
  document.body.classList.toggle("is-framed", framed);
  if (document.querySelector("[data-buyer]") && !framed) {
    window.toyWallet = {
      pay: (trade) => payHere({ trade, origin: "page" }),
      close: () => location.assign("/wallet"),
    };
    watchForPrompts();
  }
  const read = document.querySelector<HTMLElement>("[data-read]");
  if (read) localStorage.setItem("wallet_read", read.dataset.read!);
  const pay = document.querySelector<HTMLElement>("[data-pay-code]");
  if (pay) {
    // A payment address met inside a page is shown by the wallet around it.
    const trusted = framed && window.parent.toyWallet;
    const leave = (): void => (trusted ? history.back() : location.assign("/wallet"));
    void payHere({ code: pay.dataset.payCode!, origin: "scan" }).then(leave);
  }
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-at-once]")) {
    form.addEventListener("change", () => form.requestSubmit());
  }
  for (const button of document.querySelectorAll<HTMLElement>("[data-new-pin]")) {
    button.addEventListener("click", () => void payHere({ origin: "pin" }).then(() => location.reload()));
  }
  for (const button of document.querySelectorAll<HTMLElement>("[data-pay-trade]")) {
    button.addEventListener("click", () => void payHere({ trade: button.dataset.payTrade!, origin: "scan" }).then(() => location.reload()));
  }
  counter();
  paymentCode();
  scanner(payHere);
  shopAmount(payHere);
  pageView();
}

start();
