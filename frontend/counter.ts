// The counter: the order beside the dishes follows what happens to it elsewhere, but never under the cashier's fingers.
// What a reader would get wrong: till.ts does the scanner, the search and the sums here too; this only fetches anew.

type Htmx = { ajax(method: string, path: string, options: object): void };

let later = 0;
document.body.addEventListener("live:any", (event) => {
  const order = document.querySelector<HTMLElement>("#order[data-order]");
  const kind = (event as CustomEvent<{ kind: string }>).detail.kind;
  if (!order || !["order", "tickets", "payment", "arrival", "menu", "again"].includes(kind)) return;
  window.clearTimeout(later);
  later = window.setTimeout(() => {
    const busy = document.querySelector("#take.htmx-request, #order .htmx-request, dialog[open]");
    if (busy || document.querySelector<HTMLInputElement>("#scan")?.value || !order.isConnected) return;
    const focus = document.activeElement?.id === "scan";
    (window as unknown as { htmx: Htmx }).htmx.ajax("GET", `/counter/orders/${order.dataset.order}`, { target: "#order", swap: "outerHTML" });
    if (focus) window.setTimeout(() => document.querySelector<HTMLElement>("#scan")?.focus({ preventScroll: true }), 120);
  }, 150);
});
