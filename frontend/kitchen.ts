// The kitchen's board: ages that go on between updates, digits that bump (or arrows and Enter, as bump bars send), a
// moment's rest after a card has moved.
// What a reader would get wrong: ages are counted from the server's seconds, because a kitchen tablet's clock may be wrong.

import { play } from "./lib/sound";
import { word } from "./lib/words";

const REST = 350;
const born = new WeakMap<Element, { seconds: string; since: number }>();

function age(card: HTMLElement): number {
  const seconds = card.dataset.seconds || "0";
  let known = born.get(card);
  if (!known || known.seconds !== seconds) {
    known = { seconds, since: performance.now() - Number(seconds) * 1000 };
    born.set(card, known);
  }
  return (performance.now() - known.since) / 1000;
}

function show(): void {
  const board = document.getElementById("board");
  if (!board) return;
  const soon = Number(board.dataset.soon), late = Number(board.dataset.late);
  let newlyLate = false;
  for (const card of board.querySelectorAll<HTMLElement>(".ticket[data-seconds]")) {
    if (card.dataset.state !== "sent" && card.dataset.state !== "cooking") continue;
    const seconds = age(card);
    const looks = seconds >= late ? "late" : seconds >= soon ? "soon" : "fresh";
    if (!card.classList.contains(looks)) {
      newlyLate ||= looks === "late";
      card.classList.remove("fresh", "soon", "late");
      card.classList.add(looks);
    }
    const text = card.querySelector("[data-age-text]");
    const minutes = Math.floor(seconds / 60);
    const said = minutes < 1 ? word("now") : minutes < 120 ? word("minutes", minutes) : word("hours", Math.floor(minutes / 60));
    if (text && text.textContent !== said) text.textContent = said;
  }
  if (newlyLate) play("failed");
}

// The card a bump bar has walked to; it stays marked when the board is drawn anew.
let chosen = "";
function mark(): void {
  for (const card of document.querySelectorAll("#cards > .ticket")) card.classList.toggle("chosen", card.id === chosen);
}

function walk(step: number): void {
  const cards = [...document.querySelectorAll("#cards > .ticket")];
  if (!cards.length) return;
  const here = cards.findIndex((card) => card.id === chosen);
  const there = here < 0 ? (step > 0 ? 0 : cards.length - 1) : (here + step + cards.length) % cards.length;
  chosen = cards[there].id;
  mark();
  (document.activeElement as HTMLElement | null)?.blur();
  cards[there].scrollIntoView({ block: "nearest" });
}

function pressed(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if ((event.target as Element).closest("input, textarea, select")) return;
  if (event.key === "r" || event.key === "R") document.querySelector<HTMLElement>("[data-recall]")?.click();
  if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
    event.preventDefault();
    walk(event.key === "ArrowRight" ? 1 : -1);
  }
  const elsewhere = document.activeElement?.closest("button, a, summary");
  if (event.key === "Enter" && chosen && !elsewhere && !event.repeat) {
    document.getElementById(chosen)?.querySelector<HTMLElement>("[data-bump]")?.click();
  }
  if (!/^[1-9]$/.test(event.key) || event.repeat) return;
  const card = document.querySelectorAll<HTMLElement>("#cards > .ticket")[Number(event.key) - 1];
  card?.querySelector<HTMLElement>("[data-bump]")?.click();
}

// A card that leaves lets the next one slide under the finger: for a moment, a second tap does nothing.
function rest(): void {
  const cards = document.getElementById("cards");
  if (!cards) return;
  cards.classList.add("resting");
  window.setTimeout(() => cards.classList.remove("resting"), REST);
}

// Cards are put where the board is lowest: each spans as many small rows of the grid as it is high.
const ROW = 4, GAP = 12;
function pack(): void {
  const cards = document.getElementById("cards");
  if (!cards) return;
  const wide = window.matchMedia("(min-width: 64rem)").matches;
  const heights = [...cards.querySelectorAll<HTMLElement>(":scope > .ticket")].map((card) => [card, card.offsetHeight] as const);
  cards.classList.toggle("packed", wide && heights.length > 0);
  for (const [card, height] of heights) card.style.gridRowEnd = wide ? `span ${Math.ceil((height + GAP) / ROW)}` : "";
}

let order = "";
function settled(): void {
  const now = [...document.querySelectorAll("#cards > .ticket")].map((card) => card.id).join(" ");
  if (order && !now.startsWith(order)) rest();
  order = now;
  mark();
  show();
  pack();
}

// The sheet of served tickets is fetched as it opens and while it is open: on most screens nobody looks at it.
const sheet = document.getElementById("served") as HTMLDialogElement | null;
function look(): void {
  if (sheet?.open) document.getElementById("served-list")?.dispatchEvent(new Event("look"));
}
if (sheet) new MutationObserver(look).observe(sheet, { attributeFilter: ["open"] });
for (const news of ["live:tickets", "live:again"]) document.body.addEventListener(news, look);

document.addEventListener("keydown", pressed);
document.addEventListener("htmx:after:swap", settled);
window.addEventListener("resize", pack);
window.setInterval(show, 5000);
settled();
