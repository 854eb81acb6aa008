// Toasts: one sentence that goes away by itself; failures stay longer and are read out at once.
import { word } from "./words";

const CROSS = '<svg class="icon" width="20" height="20" viewBox="0 0 24 24" aria-hidden="true"><path d="M18 6 6 18M6 6l12 12"/></svg>';

export function toast(text: string, tone = "plain"): void {
  const box = document.createElement("div");
  box.className = `toast ${tone}`;
  box.setAttribute("role", tone === "failed" ? "alert" : "status");
  box.dataset.toast = "";
  const line = document.createElement("p");
  line.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button square plain";
  close.setAttribute("aria-label", word("close"));
  close.dataset.dismiss = "";
  close.innerHTML = CROSS;
  box.append(line, close);
  document.getElementById("toasts")?.append(box);
  tend();
}

/** An open sheet hides and disables the rest of the page: toasts are said inside it, at its top, while it is open. */
export function place(): void {
  const box = document.getElementById("toasts");
  const home = [...document.querySelectorAll<HTMLElement>("dialog:modal")].pop() || document.body;
  if (box && box.parentElement !== home) home.append(box);
}

/** Back to the page, before the sheet's content is swapped and would take the toasts with it. */
export function goHome(): void {
  const box = document.getElementById("toasts");
  if (box && box.parentElement !== document.body) document.body.append(box);
}

/** Give every toast its end, whether a script or the server put it there; the same sentence is not said twice. */
export function tend(): void {
  place();
  const seen = new Set<string>();
  const all = [...document.querySelectorAll<HTMLElement>("#toasts [data-toast]")].reverse();
  for (const box of all) {
    const said = box.textContent || "";
    if (seen.has(said)) box.remove();
    seen.add(said);
    if (box.dataset.toast) continue;
    box.dataset.toast = "tended";
    setTimeout(() => box.remove(), box.classList.contains("failed") ? 10000 : 5000);
  }
}
