// The scanner: camera where there is one, a picture, or pasted text. All three end in one question to the server: what is it?

import type { Ask, ResultCode } from "./cashier";
import { tickSound } from "./sound";

interface Found {
  text?: string;
  go?: string;
  pay?: string;
  problem?: string;
}

interface Detector {
  detect(source: CanvasImageSource): Promise<{ rawValue: string }[]>;
}

export function scanner(pay: (ask: Ask) => Promise<ResultCode>): void {
  const place = document.querySelector<HTMLElement>("[data-scan]");
  if (!place) return;
  const problem = place.querySelector<HTMLElement>("[data-problem]")!;
  const video = place.querySelector("video")!;
  const form = place.querySelector<HTMLFormElement>("form[data-paste]")!;
  const file = place.querySelector<HTMLInputElement>("input[type=file]")!;
  const start = place.querySelector<HTMLButtonElement>("[data-camera]")!;
  let stream: MediaStream | undefined;
  let busy = false;
  let last = "";

  const say = (sentence: string): void => {
    problem.textContent = sentence;
    problem.hidden = !sentence;
  };

  const ask = async (path: string, body: BodyInit, type?: string): Promise<Found> => {
    const headers: Record<string, string> = { "X-Wallet": "1" };
    if (type) headers["Content-Type"] = type;
    const answer = await fetch(path, { method: "POST", headers, body });
    return (await answer.json()) as Found;
  };

  const follow = async (found: Found): Promise<boolean> => {
    if (found.problem) say(found.problem);
    if (found.go) {
      tickSound();
      stop();
      location.assign(found.go);
      return true;
    }
    if (found.pay) {
      tickSound();
      stop();
      const code = await pay({ code: found.pay, origin: "scan" });
      if (code === "9000") location.assign("/wallet");
      return true;
    }
    return false;
  };

  const tried = async (question: Promise<Found>): Promise<boolean> => {
    try {
      return await follow(await question);
    } catch {
      say(place.dataset.offline!);
      return false;
    }
  };

  const stop = (): void => {
    stream?.getTracks().forEach((track) => track.stop());
    stream = undefined;
    place.classList.remove("is-live");
    start.setAttribute("aria-pressed", "false");
  };

  const read = (text: string): Promise<boolean> => {
    say("");
    return tried(ask("/wallet/scan", JSON.stringify({ text }), "application/json"));
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = String(new FormData(form).get("text") || "").trim();
    if (text) void read(text);
  });
  document.addEventListener("wallet:seen", (event) => void read(String((event as CustomEvent<string>).detail)));

  const picture = (blob: Blob): Promise<boolean> => {
    say("");
    return tried(ask("/wallet/picture", blob, blob.type || "application/octet-stream"));
  };

  file.addEventListener("change", () => {
    if (file.files?.[0]) void picture(file.files[0]);
    file.value = "";
  });
  document.addEventListener("paste", (event) => {
    const image = [...(event.clipboardData?.files || [])].find((one) => one.type.startsWith("image/"));
    if (image) {
      event.preventDefault();
      void picture(image);
    }
  });
  place.addEventListener("dragover", (event) => {
    event.preventDefault();
    place.classList.add("is-over");
  });
  for (const over of ["dragleave", "drop"]) place.addEventListener(over, () => place.classList.remove("is-over"));
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    const image = event.dataTransfer?.files[0];
    const text = event.dataTransfer?.getData("text/plain").trim();
    if (image) void picture(image);
    else if (text) void read(text);
  });

  start.addEventListener("click", () => (stream ? stop() : void look()));

  const look = async (): Promise<void> => {
    say("");
    last = "";
    try {
      if (!navigator.mediaDevices) throw new DOMException("", "NotFoundError");
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 960 } } });
    } catch (trouble) {
      const name = (trouble as DOMException).name;
      say(name === "NotAllowedError" ? place.dataset.refused! : name === "NotReadableError" ? place.dataset.taken! : place.dataset.noCamera!);
      return;
    }
    video.srcObject = stream;
    await video.play();
    place.classList.add("is-live");
    start.setAttribute("aria-pressed", "true");
    const watching = window.setInterval(() => {
      if (!stream) return window.clearInterval(watching);
      if (busy || !video.videoWidth) return;
      busy = true;
      void frame()
        .then(async (text) => {
          // What leads nowhere is said once, however long it is held before the camera.
          if (!text || text === last) return;
          last = text;
          if (await read(text)) window.clearInterval(watching);
        })
        .catch(() => undefined)
        .finally(() => (busy = false));
    }, 350);
  };

  // Who allowed the camera once need not tap for it again.
  void navigator.permissions
    ?.query({ name: "camera" as PermissionName })
    .then((camera) => (camera.state === "granted" && !stream ? look() : undefined))
    .catch(() => undefined);

  const canvas = document.createElement("canvas");
  const Native = (window as unknown as { BarcodeDetector?: new (wish: object) => Detector }).BarcodeDetector;
  const detector = Native ? new Native({ formats: ["qr_code"] }) : undefined;

  /** What the camera sees just now: read by the browser where it can, by the sandbox on this machine otherwise. */
  const frame = async (): Promise<string> => {
    if (detector) return (await detector.detect(video))[0]?.rawValue || "";
    const scale = Math.min(1, 720 / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = video.videoWidth * scale;
    canvas.height = video.videoHeight * scale;
    canvas.getContext("2d")!.drawImage(video, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.8));
    if (!blob) return "";
    const answer = await fetch("/wallet/picture?only=text", { method: "POST", headers: { "X-Wallet": "1", "Content-Type": "image/jpeg" }, body: blob });
    return ((await answer.json()) as Found).text || "";
  };
}
