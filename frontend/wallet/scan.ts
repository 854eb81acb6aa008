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
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    say("");
    const text = String(new FormData(form).get("text") || "").trim();
    if (text) void tried(ask("/wallet/scan", JSON.stringify({ text }), "application/json"));
  });

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
  place.addEventListener("dragover", (event) => event.preventDefault());
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    const image = event.dataTransfer?.files[0];
    if (image) void picture(image);
  });

  start.addEventListener("click", () => void look());

  const look = async (): Promise<void> => {
    say("");
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 960 } } });
    } catch {
      say(place.dataset.noCamera!);
      return;
    }
    video.srcObject = stream;
    await video.play();
    place.classList.add("is-live");
    const watching = window.setInterval(() => {
      if (!stream) return window.clearInterval(watching);
      if (busy || !video.videoWidth) return;
      busy = true;
      void frame()
        .then(async (text) => {
          if (text && (await tried(ask("/wallet/scan", JSON.stringify({ text }), "application/json")))) window.clearInterval(watching);
        })
        .catch(() => undefined)
        .finally(() => (busy = false));
    }, 350);
  };

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
