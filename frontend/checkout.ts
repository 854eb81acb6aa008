// Paying inside the wallet: opens Alipay's cashier with tradePay and hands its word to the server, which asks Alipay.
// What a reader would get wrong: no result code decides anything here; the server's next answer replaces #pay.
// https://docs.antom.com/ac/global/jsapitradepay

type Told = { resultCode?: string | number };
type Bridge = { call(name: "tradePay", parameters: { tradeNO: string }, done: (told: Told) => void): void };

const PATIENCE = 3000;
let open = false;

function bridge(): Bridge | undefined {
  return (window as unknown as { AlipayJSBridge?: Bridge }).AlipayJSBridge;
}

/** Runs `then` as soon as the wallet's bridge is there; `never` when it isn't after a while. */
function withBridge(then: (found: Bridge) => void, never: () => void): void {
  const found = bridge();
  if (found) {
    then(found);
    return;
  }
  const ready = (): void => {
    window.clearTimeout(timer);
    const late = bridge();
    if (late) then(late);
    else never();
  };
  const timer = window.setTimeout(() => {
    document.removeEventListener("AlipayJSBridgeReady", ready);
    never();
  }, PATIENCE);
  document.addEventListener("AlipayJSBridgeReady", ready, { once: true });
}

function box(): HTMLElement | null {
  return document.getElementById("pay");
}

function busy(on: boolean): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-pay-now]")) {
    if (on) button.setAttribute("aria-busy", "true");
    else button.removeAttribute("aria-busy");
  }
}

function report(code: string): void {
  const form = document.getElementById("pay-report");
  const field = form?.querySelector<HTMLInputElement>('input[name="result_code"]');
  // Without the form the server knows the end already, and the page shows it.
  if (!(form instanceof HTMLFormElement) || !field) return;
  field.value = code;
  form.requestSubmit();
}

function pay(): void {
  const trade = box()?.dataset.trade;
  if (!trade || open) return;
  open = true;
  busy(true);
  withBridge(
    (found) => {
      found.call("tradePay", { tradeNO: trade }, (told) => {
        open = false;
        busy(false);
        report(String(told?.resultCode ?? ""));
      });
    },
    () => {
      open = false;
      busy(false);
      for (const hint of document.querySelectorAll<HTMLElement>("[data-no-wallet]")) hint.hidden = false;
    },
  );
}

document.addEventListener("click", (event) => {
  if ((event.target as Element).closest("[data-pay-now]")) pay();
});

function begin(): void {
  const now = box();
  if (now?.dataset.begin === undefined) return;
  delete now.dataset.begin;
  // A reload must not open the cashier again.
  history.replaceState(history.state, "", location.pathname);
  pay();
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
else begin();
