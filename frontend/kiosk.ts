// The kiosk goes back to its start when nobody touches it, and asks first. What a reader would get wrong: the server decides
// what going back means (the form's address): an order that is paid stays, one that nobody wants is given up.

let touched = Date.now();

const still = (): HTMLDialogElement | null => document.querySelector<HTMLDialogElement>("#still-there");
const put = (box: ParentNode | null, seconds: number): void => {
  const shown = box?.querySelector<HTMLElement>("[data-seconds]");
  if (shown && shown.textContent !== String(seconds)) shown.textContent = String(seconds);
};

function touch(): void {
  touched = Date.now();
  const dialog = still();
  if (dialog?.open) dialog.close();
}

function tick(): void {
  const idle = document.querySelector<HTMLFormElement>("form#idle[data-idle]");
  const dialog = still();
  if (!idle || !dialog) {
    if (dialog?.open) dialog.close();
    return;
  }
  if (idle.dataset.sent) return;
  const ask = Number(idle.dataset.ask);
  const left = Number(idle.dataset.idle) + ask - (Date.now() - touched) / 1000;
  if (left <= 0) {
    idle.dataset.sent = "1";
    idle.submit();
  } else if (left <= ask) {
    put(dialog, Math.ceil(left));
    if (!dialog.open) dialog.showModal();
  }
}

/** A screen that is done with leaves by itself, counting aloud. */
function back(): void {
  const box = document.querySelector<HTMLElement>("[data-back-in]");
  if (!box) return;
  if (!box.dataset.until) box.dataset.until = String(Date.now() + Number(box.dataset.backIn) * 1000);
  const left = Math.ceil((Number(box.dataset.until) - Date.now()) / 1000);
  put(box, Math.max(0, left));
  if (left <= 0 && !box.dataset.left) {
    box.dataset.left = "1";
    location.replace(box.dataset.where || "/kiosk");
  }
}

for (const kind of ["pointerdown", "keydown", "wheel", "touchmove"]) document.addEventListener(kind, touch, { passive: true });
document.addEventListener("contextmenu", (event) => event.preventDefault());
document.addEventListener("dragstart", (event) => event.preventDefault());
document.addEventListener("submit", (event) => {
  const form = event.target as HTMLFormElement;
  if (form.dataset.once === undefined) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
});
// Back from the browser's memory a page is fetched anew: what it showed belongs to somebody else.
window.addEventListener("pageshow", (event) => event.persisted && location.reload());
window.setInterval(() => {
  tick();
  back();
}, 250);
// Sections lie side by side on a small kiosk: the chosen one is to be seen.
document.querySelector(".kiosk-sections [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
