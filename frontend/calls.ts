// The live call page: new rows from the event stream go on top; on a wide screen a chosen call is shown beside the list.
// While "follow" is pressed the newest call is shown by itself; choosing an older one lets go of it.

const main = document.querySelector<HTMLElement>("[data-calls]");

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

  const partner = place.querySelector<HTMLFormElement>("[data-partner]");
  if (partner) {
    partner.querySelector("button")!.hidden = true;
    partner.addEventListener("change", () => partner.submit());
  }

  const told = (live: boolean): void => {
    state.dataset.live = live ? "on" : "wait";
    state.querySelector<HTMLElement>("[data-live-on]")!.hidden = !live;
    state.querySelector<HTMLElement>("[data-live-off]")!.hidden = live;
  };
  const query = place.dataset.query || "";
  const stream = new EventSource(`/calls/live?after=${place.dataset.latest}${query ? `&${query}` : ""}`);
  stream.addEventListener("open", () => told(true));
  stream.addEventListener("error", () => told(false));
  let waiting = 0;
  stream.addEventListener("call", (event) => {
    rows.insertAdjacentHTML("afterbegin", (event as MessageEvent<string>).data);
    nothing.hidden = true;
    const row = rows.firstElementChild!;
    row.classList.add("is-new");
    while (rows.children.length > 300) rows.lastElementChild!.remove();
    // a burst of calls shows its last one, not each
    window.clearTimeout(waiting);
    if (following && wide()) waiting = window.setTimeout(() => void show(row.getAttribute("data-call")!), 80);
  });
  const first = rows.querySelector("[data-call]");
  if (first && wide()) chosen(first.getAttribute("data-call")!);
}

if (main) start(main);
