// AlipayJSBridge, as a page inside the toy wallet finds it (https://docs.antom.com/ac/global/jsapitradepay).
// What a reader would get wrong: the resultCode is what the wallet was told to say, which need not be the truth.

import { cashier, type ResultCode } from "./wallet/cashier";

type Told = { resultCode: string; memo: string; result: string; callbackUrl: string };
type Listener = (told: Record<string, unknown>) => void;

/** What the wallet's own page offers to a page in its frame. */
interface Shell {
  pay(trade: string): Promise<ResultCode>;
  close(): void;
}

declare global {
  interface Window {
    AlipayJSBridge?: unknown;
    toyWallet?: Shell;
  }
}

const self = document.currentScript as HTMLScriptElement | null;

function shell(): Shell | undefined {
  for (let frame: Window = window; frame !== frame.parent; ) {
    frame = frame.parent;
    try {
      if (frame.toyWallet) return frame.toyWallet;
    } catch {
      return undefined; // a frame of someone else
    }
  }
  return undefined;
}

let place: ShadowRoot | undefined;

/** A page that fills the window by itself has no shell around it: the sheet then lies over the page. */
function overlay(): Promise<ShadowRoot> {
  if (place) return Promise.resolve(place);
  const host = document.createElement("toy-wallet");
  const root = host.attachShadow({ mode: "open" });
  place = root;
  document.documentElement.append(host);
  return new Promise((resolve) => {
    const styles = document.createElement("link");
    styles.rel = "stylesheet";
    styles.href = "/wallet/wallet.css";
    styles.onload = styles.onerror = () => resolve(root);
    root.append(styles);
  });
}

async function tradePay(trade: unknown): Promise<Told> {
  if (typeof trade !== "string" || !trade) {
    console.warn("tradePay wants {tradeNO: '<trade_no>'}: capital NO, and a string");
    return told("4000", "tradeNO is missing");
  }
  const outside = shell();
  const truth = outside ? await outside.pay(trade) : await cashier({ trade, origin: "page" }, await overlay());
  const chosen = /(?:^|; )wallet_answer=(\d+)/.exec(document.cookie);
  return told(chosen?.[1] ?? truth, "");
}

const told = (resultCode: string, memo: string): Told => ({ resultCode, memo, result: "", callbackUrl: "" });

function closeWebview(): void {
  const outside = shell();
  if (outside) outside.close();
  else location.assign("/wallet");
}

const bridge = {
  call(name: string, given?: Record<string, unknown> | Listener, done?: Listener): void {
    const wishes = typeof given === "function" ? {} : given || {};
    const answer = typeof given === "function" ? given : done;
    switch (name) {
      case "tradePay":
        void tradePay(wishes.tradeNO).then((outcome) => answer?.(outcome));
        return;
      case "closeWebview":
        closeWebview();
        return;
      default:
        answer?.({ error: 1, errorMessage: `the toy wallet has no ${name}` });
    }
  },
};

/** The library of Alipay's H5 pages is a skin over the bridge; a page that loads it finds `ap` also without the internet. */
function library(): void {
  const there = (): boolean => Boolean(document.querySelector('script[src*="alipayjsapi"]'));
  const give = (): boolean => {
    const global = window as unknown as { ap?: unknown };
    if (!there()) return false;
    global.ap ||= { tradePay: (given: Record<string, unknown>, done?: Listener) => bridge.call("tradePay", given, done) };
    return true;
  };
  if (give()) return;
  const watching = new MutationObserver(() => give() && watching.disconnect());
  watching.observe(document, { childList: true, subtree: true });
}

/** Links out of the partner's pages go through the wallet, which remembers where it is. */
function keepInside(event: MouseEvent): void {
  const link = (event.target as Element | null)?.closest?.("a[href]") as HTMLAnchorElement | null;
  if (!link || event.defaultPrevented || !/^https?:$/.test(link.protocol) || link.origin === location.origin) return;
  event.preventDefault();
  const rest = link.pathname + link.search + link.hash;
  location.assign(link.origin === self?.dataset.partner ? rest : `/wallet/go?url=${encodeURIComponent(link.href)}`);
}

if (!window.AlipayJSBridge) {
  const agent = self?.dataset.agent;
  if (agent) Object.defineProperty(navigator, "userAgent", { get: () => agent, configurable: true });
  // Like the real one it is there a moment after the page: pages must look for it, and wait for the event otherwise.
  const arrive = (): void => {
    window.AlipayJSBridge = bridge;
    document.dispatchEvent(new Event("AlipayJSBridgeReady"));
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => window.setTimeout(arrive, 0));
  else window.setTimeout(arrive, 0);
  document.addEventListener("click", keepInside);
  library();
}
