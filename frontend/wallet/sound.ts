// Two short sounds made on the spot: a rising pair for paid, one low note for failed. Silent when the wallet is muted.

const muted = (): boolean => /(?:^|; )wallet_sound=off/.test(document.cookie);

function notes(pitches: number[], seconds: number, shape: OscillatorType): void {
  if (muted()) return;
  try {
    const audio = new AudioContext();
    pitches.forEach((pitch, at) => {
      const start = audio.currentTime + at * seconds;
      const voice = audio.createOscillator();
      const volume = audio.createGain();
      voice.type = shape;
      voice.frequency.value = pitch;
      volume.gain.setValueAtTime(0.0001, start);
      volume.gain.exponentialRampToValueAtTime(0.2, start + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, start + seconds * 1.6);
      voice.connect(volume).connect(audio.destination);
      voice.start(start);
      voice.stop(start + seconds * 1.7);
    });
    window.setTimeout(() => void audio.close(), 1500);
  } catch {
    // A phone without sound still pays.
  }
}

export const paidSound = (): void => notes([659.25, 987.77], 0.13, "sine");
export const failedSound = (): void => notes([196], 0.3, "triangle");
export const tickSound = (): void => notes([1318.5], 0.05, "square");
