// The in-wallet browser's frame: title, back, reload and close around a partner's page of the same origin.

interface Navigation {
  canGoBack: boolean;
}

export function pageView(): void {
  const frame = document.querySelector<HTMLIFrameElement>("iframe[data-page]");
  if (!frame) return;
  const title = document.querySelector<HTMLElement>("[data-page-title]")!;
  const back = document.querySelector<HTMLButtonElement>("[data-back]")!;
  const bar = document.querySelector<HTMLElement>("[data-loading]")!;
  let steps = 0;

  const inside = (): (Window & { navigation?: Navigation }) | null => frame.contentWindow;

  const arrived = (): void => {
    bar.hidden = true;
    steps += 1;
    try {
      const own = frame.contentDocument?.body.classList.contains("w-body");
      title.textContent = (own ? frame.contentDocument?.title.split(" · ")[0] : frame.contentDocument?.title) || location.host;
      // A page that went on to another shop says so in the script that the wallet gave it.
      const whose = frame.contentDocument?.querySelector<HTMLElement>('script[src="/wallet/bridge.js"]')?.dataset.partner;
      if (whose) for (const place of document.querySelectorAll("[data-page-origin]")) place.textContent = whose.replace(/^.*\/\//, "");
      inside()?.addEventListener("pagehide", () => (bar.hidden = false));
      const here = inside()!.location;
      // A reload of the wallet comes back to the same page.
      history.replaceState(null, "", `/wallet/page?at=${encodeURIComponent(here.pathname + here.search + here.hash)}`);
    } catch {
      title.textContent = location.host;
    }
  };
  frame.addEventListener("load", arrived);
  if (frame.contentDocument?.readyState === "complete" && frame.contentWindow?.location.href !== "about:blank") arrived();

  back.addEventListener("click", () => {
    const able = inside()?.navigation?.canGoBack ?? steps > 1;
    if (able) {
      steps -= 2;
      history.back();
    } else location.assign("/wallet");
  });
  document.querySelector("[data-reload]")?.addEventListener("click", () => inside()?.location.reload());
}
