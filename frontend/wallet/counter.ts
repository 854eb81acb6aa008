// The counter beside the phone on a wide screen: a toy till, and codes to drag onto the phone.

export function counter(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-counter]")) {
    const told = form.querySelector<HTMLElement>("[data-told]")!;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const button = event.submitter as HTMLButtonElement | null;
      const fields = Object.fromEntries(new FormData(form, button?.name ? button : undefined)) as Record<string, string>;
      // Nothing typed: the till sees what stands on the phone.
      if (fields.code === "") fields.code = document.querySelector<HTMLElement>("[data-digits]")?.dataset.digits || "";
      void ask(form.dataset.counter!, fields).then((html) => {
        told.innerHTML = html;
        if (told.querySelector(".is-yes")) document.dispatchEvent(new CustomEvent("wallet:paid", { detail: "9000" }));
      });
    });
    told.addEventListener("dragstart", (event) => {
      const code = (event.target as HTMLElement).closest<HTMLElement>("[data-drag]");
      if (code) event.dataTransfer?.setData("text/plain", code.dataset.drag!);
    });
    told.addEventListener("click", (event) => {
      const code = (event.target as HTMLElement).closest<HTMLElement>("[data-show-phone]");
      if (code) document.dispatchEvent(new CustomEvent("wallet:seen", { detail: code.dataset.showPhone }));
    });
  }
}

async function ask(path: string, fields: Record<string, string>): Promise<string> {
  try {
    const headers = { "Content-Type": "application/json", "X-Wallet": "1" };
    return await (await fetch(path, { method: "POST", headers, body: JSON.stringify(fields) })).text();
  } catch {
    return "";
  }
}
