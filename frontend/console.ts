// The console by keyboard: "/" goes to the search, j and k through the rows, Enter opens the row's first link.
// What a reader would get wrong: while somebody types, no key means anything but itself.

const writing = (element: Element | null): boolean =>
  element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement || element instanceof HTMLSelectElement;

function go(step: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>("tr[data-row]")];
  const at = rows.findIndex((row) => row.classList.contains("here"));
  const next = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
  if (!next) return;
  rows[at]?.classList.remove("here");
  next.classList.add("here");
  next.querySelector<HTMLElement>("a, button, summary")?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || writing(document.activeElement)) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "/") {
    const search = document.querySelector<HTMLElement>("[data-search]");
    if (search) { event.preventDefault(); search.focus(); }
  } else if (event.key === "j") go(1);
  else if (event.key === "k") go(-1);
});
