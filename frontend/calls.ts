// The live call page: new rows from the event stream go on top; on a wide screen a chosen call is shown beside the list.
// While "follow" is pressed the newest call is shown by itself; choosing an older one lets go of it.

const main = document.querySelector<HTMLElement>("[data-calls]");

/** How long to wait before connecting anew, in milliseconds. */
const AGAIN = 1_000;

function wide(): boolean {
  return window.matchMedia("(min-width: 60rem)").matches;
}

function start(place: HTMLElement): void {
  const rows = place.querySelector<HTMLElement>("[data-rows]")!;
  const pane = place.querySelector<HTMLElement>("[data-pane]")!;
  const nothing = place.querySelector<HTMLElement>("[data-nothing]")!;
  const follow = place.querySelector<HTMLButtonElement>("[data-follow]")!;
  const state = document.querySelector<HTMLElement>("[data-live]")!;
  let following = true;
  let asked = 0;

  const chosen = (id: string): void => {
    for (const row of rows.querySelectorAll("[data-call]")) {
      if (row.getAttribute("data-call") === id) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  };

  const show = async (id: string): Promise<void> => {
    const mine = ++asked;
    chosen(id);
    const answer = await fetch(`/calls/${id}`, { headers: { "X-Part": "1" } });
    if (answer.ok && mine === asked) pane.innerHTML = await answer.text();
  };

  const setFollowing = (yes: boolean): void => {
    following = yes;
    follow.setAttribute("aria-pressed", String(yes));
  };

  follow.hidden = !wide();
  window.matchMedia("(min-width: 60rem)").addEventListener("change", () => (follow.hidden = !wide()));
  follow.addEventListener("click", () => {
    setFollowing(!following);
    const newest = rows.querySelector("[data-call]");
    if (following && newest) void show(newest.getAttribute("data-call")!);
  });
  rows.addEventListener("click", (event) => {
    const row = (event.target as HTMLElement).closest("[data-call]");
    if (!row || !wide() || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    setFollowing(row === rows.querySelector("[data-call]"));
    void show(row.getAttribute("data-call")!);
  });

  const sift = place.querySelector<HTMLFormElement>("[data-sift]")!;
  sift.querySelector("button")!.hidden = true;
  sift.addEventListener("change", () => sift.requestSubmit());
  sift.addEventListener("submit", () => {
    // an address to pass on names what was chosen, and nothing else
    for (const field of sift.querySelectorAll<HTMLInputElement | HTMLSelectElement>("[name]")) field.disabled = !field.value;
  });
  window.addEventListener("pageshow", () => {
    for (const field of sift.querySelectorAll<HTMLInputElement>("[name]")) field.disabled = false;
  });

  const told = (how: "on" | "wait" | "lost"): void => {
    state.dataset.live = how;
    for (const each of ["on", "wait", "lost"]) state.querySelector<HTMLElement>(`[data-live-${each}]`)!.hidden = each !== how;
  };
  const query = place.dataset.query || "";
  let latest = place.dataset.latest!;
  let waiting = 0;
  const came = (event: MessageEvent<string>): void => {
    if (event.lastEventId) latest = event.lastEventId;
    rows.insertAdjacentHTML("afterbegin", event.data);
    nothing.hidden = true;
    const row = rows.firstElementChild!;
    row.classList.add("is-new");
    while (rows.children.length > 300) rows.lastElementChild!.remove();
    // a burst of calls shows its last one, not each
    window.clearTimeout(waiting);
    if (following && wide()) waiting = window.setTimeout(() => void show(row.getAttribute("data-call")!), 80);
  };
  // a browser mends a broken connection by itself, but gives up for good where a server answers with an error
  const connect = (): void => {
    const stream = new EventSource(`/calls/live?after=${latest}&log=${place.dataset.log}${query ? `&${query}` : ""}`);
    stream.addEventListener("open", () => told("on"));
    stream.addEventListener("error", () => {
      told("lost");
      if (stream.readyState === EventSource.CLOSED) window.setTimeout(connect, AGAIN);
    });
    stream.addEventListener("anew", () => window.location.reload());
    stream.addEventListener("call", came);
  };
  if (!("old" in place.dataset)) connect();
  else state.hidden = true;
  const first = rows.querySelector("[data-call]");
  if (first && wide()) chosen(first.getAttribute("data-call")!);
}

/** Put a text on the clipboard; on pages that may not (no https, another host) by way of a selection. */
async function copy(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

function copies(): void {
  const reveal = (): void => {
    for (const button of document.querySelectorAll<HTMLElement>("[data-copy][hidden]")) button.hidden = false;
  };
  reveal();
  new MutationObserver(reveal).observe(document.body, { childList: true, subtree: true });
  document.addEventListener("click", (event) => {
    const button = (event.target as HTMLElement).closest<HTMLElement>("[data-copy], [data-link]");
    if (!button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const text = button instanceof HTMLAnchorElement ? button.href : document.getElementById(button.dataset.copy!)?.textContent;
    if (!text) return;
    event.preventDefault();
    void copy(text).then(() => {
      const words = button.querySelector("span")!;
      const before = words.textContent;
      if (before === button.dataset.copied) return;
      words.textContent = button.dataset.copied!;
      button.classList.add("is-copied");
      window.setTimeout(() => {
        words.textContent = before;
        button.classList.remove("is-copied");
      }, 1600);
    });
  });
}

copies();
if (main) start(main);
