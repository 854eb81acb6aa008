// The office's menu: dishes dragged to another place, and whole sections ticked. What a reader would get wrong: dragging only
// asks; the server moves the dish and the list comes back. With keys the arrows beside each dish do the same.

type Htmx = { ajax: (method: string, url: string, what: object) => Promise<void> };
let dragged: HTMLElement | null = null;

document.addEventListener("dragstart", (event) => {
  const row = (event.target as Element).closest<HTMLElement>("[data-drag]");
  if (!row) return;
  dragged = row;
  row.classList.add("dragged");
  event.dataTransfer?.setData("text/plain", row.dataset.drag || "");
});
document.addEventListener("dragend", () => {
  dragged?.classList.remove("dragged");
  for (const row of document.querySelectorAll(".drop-here")) row.classList.remove("drop-here");
  dragged = null;
});
document.addEventListener("dragover", (event) => {
  const place = dragged && (event.target as Element).closest<HTMLElement>("[data-drag], [data-drop]");
  if (!place || place === dragged) return;
  event.preventDefault();
  for (const row of document.querySelectorAll(".drop-here")) row.classList.toggle("drop-here", row === place);
  place.classList.add("drop-here");
});
document.addEventListener("drop", (event) => {
  const place = dragged && (event.target as Element).closest<HTMLElement>("[data-drag], [data-drop]");
  if (!place || !dragged || place === dragged) return;
  event.preventDefault();
  const section = place.closest<HTMLElement>("[data-section]")?.dataset.section || "";
  const values = { section, before: place.dataset.drag || "" };
  const { htmx } = window as unknown as { htmx: Htmx };
  void htmx.ajax("POST", `/office/menu/items/${dragged.dataset.drag}/place`, { target: "#list", swap: "innerMorph", values });
});

document.addEventListener("click", (event) => {
  const button = (event.target as Element).closest<HTMLElement>("[data-tick-all]");
  const boxes = [...(button?.closest("fieldset")?.querySelectorAll<HTMLInputElement>("input[type=checkbox]") || [])];
  const all = boxes.every((box) => box.checked);
  for (const box of boxes) box.checked = !all;
});
