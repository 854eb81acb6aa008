// Practice: the coach's "Scan this code" holds the customer's phone under the till's scanner; the coach folds on phones.
// What a reader would get wrong: the code goes into the till's own form, exactly as a scanner would type it.

import { practises } from "./lib/offline_store";

// What is taken while the server can't be reached would be real: the page without the server asks first.
if ("indexedDB" in window) void practises(true).catch(() => undefined);
document.addEventListener("submit", (event) => {
  if ((event.target as HTMLFormElement).getAttribute("action") === "/practice/leave") void practises(false).catch(() => undefined);
});

function scan(code: string): void {
  const field = document.querySelector<HTMLInputElement>("#pane #scan");
  const form = field?.form;
  if (!field || !form) return;
  field.value = code;
  form.requestSubmit();
}

document.addEventListener("click", (event) => {
  const target = event.target as Element;
  const button = target.closest<HTMLElement>("[data-scan-code]");
  if (button) {
    // On a small screen the till is above: let it be seen.
    document.getElementById("coach")?.classList.add("folded");
    scan(button.dataset.scanCode || "");
  }
  if (target.closest("[data-coach-fold]")) document.getElementById("coach")?.classList.toggle("folded");
});
// The coach says something new: on a small screen it comes up again.
document.addEventListener("htmx:after:swap", () => {
  const coach = document.getElementById("coach");
  const inside = document.getElementById("coach-in");
  if (!coach || !inside) return;
  const now = [inside.dataset.lesson, inside.dataset.stage, inside.dataset.outcome].join(" ");
  const hint = inside.querySelector(".coach-hint")?.textContent || "";
  if (coach.dataset.at !== now && inside.dataset.outcome !== "going") coach.classList.remove("folded");
  // Whatever is new stands on top: nobody should have to look for it.
  if (coach.dataset.at !== now || coach.dataset.hint !== hint) coach.scrollTop = 0;
  coach.dataset.hint = hint;
  coach.dataset.at = now;
});
