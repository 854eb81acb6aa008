// The payment code as large and bright as the screen is, to hold against a scanner; the bars lie along the long side.

interface Awake {
  release(): Promise<void>;
}

/** Returns what to call when another code stands in `place`. */
export function largeCode(place: HTMLElement): () => void {
  const view = document.querySelector<HTMLElement>("[data-large]");
  if (!view) return () => undefined;
  const picture = view.querySelector<HTMLElement>("[data-large-picture]")!;
  const digits = view.querySelector<HTMLElement>("[data-large-digits]")!;
  let shows = "";
  let awake: Awake | undefined;
  let before: HTMLElement | undefined;

  const draw = (): void => {
    if (!shows) return;
    const drawn = place.querySelector(`[data-enlarge="${shows}"] svg`);
    if (drawn) picture.replaceChildren(drawn.cloneNode(true));
    digits.replaceChildren(...[...(place.querySelector("[data-digits]")?.childNodes || [])].map((one) => one.cloneNode(true)));
    view.classList.toggle("is-bars", shows === "bars");
  };

  const show = (what: string): void => {
    if (!shows) before = document.activeElement as HTMLElement;
    shows = what;
    draw();
    view.hidden = false;
    view.focus();
    // A screen that goes dark before the scanner has read it is no use; where this isn't known, it stays as it is.
    const lock = (navigator as unknown as { wakeLock?: { request(kind: string): Promise<Awake> } }).wakeLock;
    if (lock && !awake) void lock.request("screen").then((one) => (awake = one)).catch(() => undefined);
  };

  const close = (): void => {
    shows = "";
    view.hidden = true;
    void awake?.release().catch(() => undefined);
    awake = undefined;
    (before?.isConnected ? before : place.querySelector<HTMLElement>("[data-enlarge]"))?.focus();
  };

  place.addEventListener("click", (event) => {
    const button = (event.target as HTMLElement).closest<HTMLElement>("[data-enlarge]");
    if (button) show(button.dataset.enlarge!);
  });
  view.addEventListener("click", (event) => {
    const button = (event.target as HTMLElement).closest<HTMLElement>("button");
    if (button?.dataset.enlarge) show(shows === "bars" ? "qr" : "bars");
    else if (!button || button.dataset.largeClose !== undefined) close();
  });
  view.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (event.key !== "Tab") return;
    const stops = [...view.querySelectorAll<HTMLElement>("button")];
    const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
    if (document.activeElement !== edge && !(event.shiftKey && document.activeElement === view)) return;
    event.preventDefault();
    (event.shiftKey ? stops[stops.length - 1] : stops[0])?.focus();
  });
  // The sheet that asks for the PIN comes up over it: the code has done its work.
  document.addEventListener("wallet:asked", () => shows && close());
  return draw;
}
