// Delivery: where this phone is (for an address, for the store, and while a courier is on the way), and corners clicked on
// the office's map. What a reader would get wrong: nothing here decides; the server reads the forms and draws the zones.

const written = (degrees: number): string => degrees.toFixed(6);

function csrf(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csrf"]')?.content || "";
}

/** "Use where I am": the place goes into the form's latitude and longitude; what was picked by hand no longer counts. */
function here(row: HTMLElement): void {
  const form = row.closest("form");
  const said = row.querySelector<HTMLElement>("[data-here-said]");
  const say = (text: string): void => { if (said) said.textContent = text; };
  navigator.geolocation?.getCurrentPosition(
    ({ coords }) => {
      for (const [name, value] of [["latitude", coords.latitude], ["longitude", coords.longitude]] as const) {
        const input = form?.querySelector<HTMLInputElement>(`input[name="${name}"]`);
        if (input) input.value = written(value);
      }
      for (const zone of form?.querySelectorAll<HTMLInputElement>('input[name="zone"]') || []) zone.checked = false;
      form?.dispatchEvent(new Event("change", { bubbles: true }));
      say(row.dataset.done || "");
    },
    () => say(row.dataset.none || ""),
    { enableHighAccuracy: true, timeout: 10000, maximumAge: 60000 },
  );
  if (!navigator.geolocation) say(row.dataset.none || "");
}

document.addEventListener("click", (event) => {
  const button = (event.target as Element).closest<HTMLElement>("[data-here] button");
  if (button) here(button.closest<HTMLElement>("[data-here]")!);
});

// Who picks an area by hand does not want the phone's place to decide any more.
document.addEventListener("change", (event) => {
  const input = event.target as HTMLInputElement;
  if (!input.matches?.('.address-form input[name="zone"]')) return;
  const form = input.closest("form");
  for (const name of ["latitude", "longitude"]) {
    const place = form?.querySelector<HTMLInputElement>(`.address-form input[name="${name}"]`);
    if (place) place.value = "";
  }
  const said = form?.querySelector<HTMLElement>("[data-here-said]");
  if (said) said.textContent = "";
});

// The courier's phone tells its place at most every 20 seconds, and only while something is on the way.
const PAUSE = 20000;
let last = 0;
let watching: number | undefined;
function share(): void {
  const moving = document.querySelector("[data-moving]");
  if (moving && watching === undefined && navigator.geolocation) {
    watching = navigator.geolocation.watchPosition(({ coords }) => {
      if (Date.now() - last < PAUSE) return;
      last = Date.now();
      const body = new URLSearchParams({ latitude: written(coords.latitude), longitude: written(coords.longitude) });
      void fetch("/courier/place", { method: "POST", body, headers: { "X-CSRF-Token": csrf() } }).catch(() => undefined);
    }, () => undefined, { enableHighAccuracy: true });
  }
  if (!moving && watching !== undefined) {
    navigator.geolocation.clearWatch(watching);
    watching = undefined;
  }
}
document.addEventListener("DOMContentLoaded", share);
document.addEventListener("htmx:after:swap", share);

// The office's map: a click adds a corner to the form that draws, and its outline shows what was typed.
function outline(): void {
  const map = document.querySelector<SVGSVGElement & HTMLElement>("svg[data-map]");
  const text = document.querySelector<HTMLTextAreaElement>("[data-drawing] [data-corners]");
  const draft = map?.querySelector<SVGPolygonElement>("[data-draft]");
  if (!map || !text || !draft) return;
  const { latitude, longitude, east, north } = map.dataset;
  const points: string[] = [];
  for (const line of text.value.split("\n")) {
    const found = /^\s*(-?[\d.]+)[,;\s]+(-?[\d.]+)\s*$/.exec(line);
    if (!found) continue;
    const x = (Number(found[2]) * 1e6 - Number(longitude)) * Number(east);
    const y = (Number(latitude) - Number(found[1]) * 1e6) * Number(north);
    points.push(`${x.toFixed(1)},${y.toFixed(1)}`);
  }
  const drawn = text.form?.querySelector<HTMLInputElement>('[name="shape"][value="corners"]')?.checked;
  draft.setAttribute("points", drawn ? points.join(" ") : "");
}

document.addEventListener("click", (event) => {
  const map = (event.target as Element).closest<SVGSVGElement & HTMLElement>("svg[data-map]");
  const text = document.querySelector<HTMLTextAreaElement>("[data-drawing] [data-corners]");
  const corners = text?.form?.querySelector<HTMLInputElement>('[name="shape"][value="corners"]');
  const matrix = map?.getScreenCTM();
  if (!map || !text || !corners?.checked || !matrix) return;
  const at = new DOMPoint((event as MouseEvent).clientX, (event as MouseEvent).clientY).matrixTransform(matrix.inverse());
  const { latitude, longitude, east, north } = map.dataset;
  const place = [(Number(latitude) - at.y / Number(north)) / 1e6, (Number(longitude) + at.x / Number(east)) / 1e6];
  text.value = `${text.value.trimEnd()}\n${place.map(written).join(", ")}`.trimStart();
  outline();
});
document.addEventListener("input", outline);
document.addEventListener("change", outline);
document.addEventListener("DOMContentLoaded", outline);
