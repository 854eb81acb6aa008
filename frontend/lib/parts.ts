// The habits of the parts in parts.html: sheets, steppers, the number pad, tabs, toasts, copying, the scan field.
import { place, toast } from "./toast";
import { word } from "./words";

function open(dialog: HTMLDialogElement): void {
  if (dialog.open) return;
  if (dialog.showModal) dialog.showModal();
  else dialog.setAttribute("open", "");
  begin(dialog);
  place();
}

/** Where a sheet begins: at its first choice or field, else at its main button, never at the cross. On a touch screen
 * a field would bring up the keyboard, so the sheet itself gets the focus there. */
function begin(dialog: HTMLDialogElement): void {
  const wanted = "input:not([type=hidden]):not(:disabled), select, textarea, a[href], button:not(:disabled), summary";
  const first = dialog.querySelector<HTMLElement>("[autofocus]")
    || dialog.querySelector<HTMLElement>(".sheet-body")?.querySelector<HTMLElement>(wanted)
    || dialog.querySelector<HTMLElement>(".sheet-foot")?.querySelector<HTMLElement>(wanted);
  const types = first instanceof HTMLInputElement && !["checkbox", "radio"].includes(first.type);
  if (first && !(types && window.matchMedia("(pointer: coarse)").matches)) first.focus({ preventScroll: true });
  else {
    dialog.tabIndex = -1;
    dialog.focus({ preventScroll: true });
  }
}

export function close(dialog: HTMLDialogElement): void {
  if (dialog.close) dialog.close();
  else dialog.removeAttribute("open");
}

function openNew(): void {
  for (const dialog of document.querySelectorAll<HTMLDialogElement>("dialog[data-open-now]")) {
    delete dialog.dataset.openNow;
    open(dialog);
  }
}

function step(button: HTMLElement): void {
  const box = button.closest<HTMLElement>("[data-stepper]");
  const input = box?.querySelector<HTMLInputElement>("input");
  if (!box || !input) return;
  const least = Number(box.dataset.least), most = Number(box.dataset.most);
  const value = Math.min(most, Math.max(least, Number(input.value) + Number(button.dataset.step)));
  input.value = String(value);
  const shown = box.querySelector("output");
  if (shown) shown.textContent = String(value);
  for (const other of box.querySelectorAll<HTMLButtonElement>("[data-step]")) {
    other.disabled = other.dataset.step === "1" ? value >= most : value <= least;
  }
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

function fits(text: string, decimals: number): boolean {
  return decimals ? new RegExp(`^\\d{0,7}(\\.\\d{0,${decimals}})?$`).test(text) : /^\d{0,9}$/.test(text);
}

function press(button: HTMLElement): void {
  const pad = button.closest<HTMLElement>("[data-pad]");
  const input = pad?.querySelector<HTMLInputElement>("input");
  if (!pad || !input) return;
  const key = button.dataset.key || "";
  const next = key === "back" ? input.value.slice(0, -1) : input.value + key;
  if (!fits(next, Number(pad.dataset.decimals))) return;
  input.value = next;
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

function clicked(event: MouseEvent): void {
  const target = event.target as Element;
  const asking = target.closest<HTMLElement>("[data-confirm]");
  if (asking && !window.confirm(asking.dataset.confirm)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  if (target instanceof HTMLDialogElement && target.open) {
    const box = target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) close(target);
  }
  const button = target.closest<HTMLElement>("[data-open], [data-close], [data-dismiss], [data-step], [data-key], [data-copy], [data-print]");
  if (button?.dataset.open) {
    const dialog = document.getElementById(button.dataset.open);
    if (dialog instanceof HTMLDialogElement) open(dialog);
  } else if (button?.dataset.close !== undefined) {
    const dialog = button.closest("dialog");
    if (dialog) close(dialog);
  } else if (button?.dataset.dismiss !== undefined) button.closest("[data-toast]")?.remove();
  else if (button?.dataset.step && button.closest("[data-stepper]")) step(button);
  else if (button?.dataset.key) press(button);
  else if (button?.dataset.print !== undefined) window.print();
  else if (button?.dataset.copy && navigator.clipboard) void navigator.clipboard.writeText(button.dataset.copy).then(() => toast(word("copied")));
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details[data-choices][open]")) {
    if (!menu.contains(target)) menu.open = false;
  }
}

/** The scan field keeps the focus whenever nothing else needs it, so that a scanner's keys land in it. */
function keepScanFocus(): void {
  const field = document.querySelector<HTMLElement>("[data-scan-focus]");
  const active = document.activeElement;
  const free = !active || active === document.body || active.id === "main";
  if (field && free && !document.querySelector("dialog[open]")) field.focus({ preventScroll: true });
}

/** Section tabs follow the scroll: the tab of the section under the bar is the current one. */
function followSections(): void {
  if (!("IntersectionObserver" in window)) return;
  for (const tabs of document.querySelectorAll<HTMLElement>("[data-tabs]")) {
    if (tabs.dataset.tabs === "followed") continue;
    tabs.dataset.tabs = "followed";
    const links = [...tabs.querySelectorAll<HTMLAnchorElement>('a[href^="#"]')];
    if (!links.length) continue;
    const watcher = new IntersectionObserver((seen) => {
      for (const entry of seen) {
        if (!entry.isIntersecting) continue;
        for (const link of links) {
          const current = link.hash === `#${entry.target.id}`;
          if (current) link.setAttribute("aria-current", "true");
          else link.removeAttribute("aria-current");
          if (current) tabs.scrollTo({ left: link.offsetLeft - tabs.offsetWidth / 2 + link.offsetWidth / 2, behavior: "smooth" });
        }
      }
    }, { rootMargin: "-25% 0px -65% 0px" });
    for (const link of links) {
      const section = document.getElementById(decodeURIComponent(link.hash.slice(1)));
      if (section) watcher.observe(section);
    }
  }
}

export function startParts(): void {
  document.addEventListener("click", clicked, true);
  document.addEventListener("input", (event) => {
    const input = event.target as HTMLInputElement;
    const pad = input.closest<HTMLElement>("[data-pad]");
    if (pad && !fits(input.value, Number(pad.dataset.decimals))) input.value = input.dataset.before || "";
    if (pad) input.dataset.before = input.value;
  });
  document.addEventListener("change", (event) => {
    const input = event.target as HTMLInputElement;
    if (input.dataset.submit !== undefined) input.form?.requestSubmit();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll<HTMLDetailsElement>("details[data-choices][open]")) menu.open = false;
  });
  document.addEventListener("focusout", () => window.setTimeout(keepScanFocus, 50));
  document.addEventListener("htmx:after:swap", () => {
    openNew();
    followSections();
    keepScanFocus();
  });
  // A server that answers with HX-Trigger: sheet:close closes what is open.
  document.addEventListener("sheet:close", () => {
    for (const dialog of document.querySelectorAll<HTMLDialogElement>("dialog[open]")) close(dialog);
  });
  openNew();
  followSections();
  keepScanFocus();
}
