// Things that change with time alone: ages of orders, and countdowns drawn as a ring.
import { word } from "./words";

function ages(): void {
  const now = Date.now();
  for (const element of document.querySelectorAll<HTMLTimeElement>("time[data-age]")) {
    const minutes = Math.floor((now - Date.parse(element.dateTime)) / 60000);
    if (minutes >= 48 * 60) continue;
    const text = minutes < 1 ? word("now") : minutes < 60 ? word("minutes", minutes) : word("hours", Math.floor(minutes / 60));
    if (element.textContent !== text) element.textContent = text;
  }
}

function countdowns(): void {
  for (const ring of document.querySelectorAll<HTMLElement>("[data-countdown]")) {
    const left = Math.max(0, (Date.parse(ring.dataset.until || "") - Date.now()) / 1000);
    const total = Number(ring.dataset.total) || 1;
    const number = ring.querySelector("b");
    const text = left >= 90 ? `${Math.floor(left / 60)}:${String(Math.floor(left % 60)).padStart(2, "0")}` : String(Math.ceil(left));
    if (number && number.textContent !== text) number.textContent = text;
    ring.querySelector<SVGElement>(".left")?.style.setProperty("stroke-dashoffset", String(100 - Math.min(100, (left / total) * 100)));
    if (left <= 0 && !ring.dataset.over) {
      ring.dataset.over = "1";
      ring.dispatchEvent(new CustomEvent("countdown:over", { bubbles: true }));
    }
  }
}

export function startClocks(): void {
  ages();
  countdowns();
  window.setInterval(countdowns, 500);
  window.setInterval(ages, 10000);
  document.addEventListener("htmx:after:swap", () => {
    ages();
    countdowns();
  });
}
