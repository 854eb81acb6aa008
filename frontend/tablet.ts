// The tablet: the camera reads codes where the browser can, and a screen that nobody touches goes back to the bills.
// What a reader would get wrong: a scanner that types needs nothing of this; its keys land in the field by themselves.

import { startOffline } from "./lib/offline_send";

type Detector = { detect(from: HTMLVideoElement): Promise<{ rawValue: string }[]> };
const Native = (window as unknown as { BarcodeDetector?: new (wish: { formats: string[] }) => Detector }).BarcodeDetector;
const IDLE = 120_000;

async function read(formats: string[], found: (text: string) => void): Promise<void> {
  const dialog = document.getElementById("camera") as HTMLDialogElement;
  const video = dialog.querySelector("video") as HTMLVideoElement;
  const problem = dialog.querySelector<HTMLElement>(".error");
  if (!Native) return;
  dialog.showModal();
  let stream: MediaStream | undefined;
  const stop = (): void => stream?.getTracks().forEach((track) => track.stop());
  try {
    const detector = new Native({ formats });
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    dialog.addEventListener("close", stop, { once: true });
    video.srcObject = stream;
    await video.play();
    while (dialog.open) {
      const text = video.videoWidth ? (await detector.detect(video).catch(() => []))[0]?.rawValue : "";
      if (text) {
        dialog.close();
        found(text);
      }
      await new Promise((later) => window.setTimeout(later, 250));
    }
  } catch {
    if (problem) {
      problem.textContent = dialog.dataset.refused || "";
      problem.hidden = false;
    }
  } finally {
    stop();
  }
}

for (const button of document.querySelectorAll<HTMLElement>("[data-camera]")) {
  button.hidden = !Native || !navigator.mediaDevices;
  button.addEventListener("click", () => void read((button.dataset.camera || "").split(" "), (text) => {
    const field = button.closest("form")?.querySelector<HTMLInputElement>("#scan");
    if (!field) return;
    field.value = text;
    field.form?.requestSubmit();
  }));
}

// A scanner types wherever the focus is: what is no field of its own belongs to the scan field.
document.addEventListener("keydown", (event) => {
  const field = document.querySelector<HTMLInputElement>("[data-scan-focus]");
  const active = document.activeElement;
  if (!field || event.ctrlKey || event.metaKey || event.altKey || event.key.length !== 1 || event.key === " ") return;
  if (!(active instanceof HTMLInputElement) && !document.querySelector("dialog[open]")) field.focus({ preventScroll: true });
});

// One bill's questions must not meet the next guests; a payment that still waits is never left.
let touched = Date.now();
for (const kind of ["pointerdown", "keydown", "scroll"]) document.addEventListener(kind, () => { touched = Date.now(); }, true);
window.setInterval(() => {
  const waits = document.querySelector("[data-shows=waiting], [data-shows=stopping], form[aria-busy=true]");
  if (location.pathname !== "/tablet" && !waits && Date.now() - touched > IDLE) location.assign("/tablet");
}, 5000);
startOffline();
