// Time left as minutes and seconds, counted on the phone: the server said once how much there was.

export function countdowns(within: ParentNode): void {
  for (const place of within.querySelectorAll<HTMLElement>("[data-until]")) {
    const end = Date.now() + Number(place.dataset.until) * 1000;
    const show = (): void => {
      const left = Math.max(0, Math.round((end - Date.now()) / 1000));
      place.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    };
    show();
    const ticking = window.setInterval(() => (place.isConnected ? show() : window.clearInterval(ticking)), 1000);
  }
}
