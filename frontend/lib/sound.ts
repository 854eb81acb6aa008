// Sounds by WebAudio: a rising pair for paid, a low single for failed, a tick for a scanned code. They can be turned
// off (remembered on the device). Browsers allow sound only after a first touch, so the first one wakes the audio.

type Note = { at: number; hertz: number; lasts: number; wave: OscillatorType; loud: number };

const SOUNDS: Record<string, Note[]> = {
  paid: [
    { at: 0, hertz: 659.25, lasts: 0.16, wave: "triangle", loud: 0.28 },
    { at: 0.12, hertz: 987.77, lasts: 0.42, wave: "triangle", loud: 0.3 },
    { at: 0.12, hertz: 1975.5, lasts: 0.2, wave: "sine", loud: 0.05 },
  ],
  failed: [{ at: 0, hertz: 174.6, lasts: 0.42, wave: "triangle", loud: 0.4 }],
  tick: [{ at: 0, hertz: 1568, lasts: 0.045, wave: "square", loud: 0.08 }],
};

let audio: AudioContext | undefined;

function wake(): AudioContext | undefined {
  const Kind = window.AudioContext || (window as unknown as { webkitAudioContext?: typeof AudioContext }).webkitAudioContext;
  if (!audio && Kind) audio = new Kind();
  if (audio?.state === "suspended") void audio.resume();
  return audio;
}

export function soundOn(): boolean {
  try {
    return localStorage.getItem("saoma_sound") !== "off";
  } catch {
    return true;
  }
}

export function play(name: string): void {
  document.body.dispatchEvent(new CustomEvent("saoma:sound", { detail: name, bubbles: true }));
  const notes = SOUNDS[name];
  if (!notes || !soundOn() || !(navigator.userActivation?.hasBeenActive ?? true)) return;
  const context = wake();
  if (!context) return;
  const start = context.currentTime + 0.01;
  for (const note of notes) {
    const voice = context.createOscillator();
    const volume = context.createGain();
    voice.type = note.wave;
    voice.frequency.value = note.hertz;
    volume.gain.setValueAtTime(0, start + note.at);
    volume.gain.linearRampToValueAtTime(note.loud, start + note.at + 0.008);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + note.at + note.lasts);
    voice.connect(volume).connect(context.destination);
    voice.start(start + note.at);
    voice.stop(start + note.at + note.lasts + 0.02);
  }
}

/** Play what newly shown elements ask for with data-sound; a repeat of the same moment (data-sound-key) is silent. */
export function playNew(root: ParentNode): void {
  for (const element of root.querySelectorAll<HTMLElement>("[data-sound]")) {
    const name = element.dataset.sound || "";
    const key = element.dataset.soundKey;
    delete element.dataset.sound;
    if (key) {
      try {
        if (sessionStorage.getItem(`sound:${key}`)) continue;
        sessionStorage.setItem(`sound:${key}`, "1");
      } catch { /* private mode: play it again */ }
    }
    play(name);
  }
}

function showChoice(): void {
  for (const button of document.querySelectorAll<HTMLElement>("[data-sound-switch]")) {
    button.setAttribute("aria-pressed", String((button.dataset.soundSwitch === "on") === soundOn()));
  }
}

export function startSounds(): void {
  document.addEventListener("pointerdown", () => soundOn() && wake(), { once: true });
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-sound-switch], [data-play]");
    if (button?.dataset.play) play(button.dataset.play);
    if (!button?.dataset.soundSwitch) return;
    try {
      localStorage.setItem("saoma_sound", button.dataset.soundSwitch);
    } catch { /* not remembered, then */ }
    showChoice();
    if (soundOn()) play("tick");
  });
  document.addEventListener("htmx:after:swap", () => {
    playNew(document);
    showChoice();
  });
  showChoice();
  playNew(document);
}
