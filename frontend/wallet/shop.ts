// A shop's printed code: the buyer types the amount on a pad, then the cashier sheet asks for the PIN.

import type { Ask, ResultCode } from "./cashier";

export function shopAmount(pay: (ask: Ask) => Promise<ResultCode>): void {
  const place = document.querySelector<HTMLFormElement>("form[data-shop]");
  if (!place) return;
  const input = place.querySelector<HTMLInputElement>("input[name=amount]")!;
  const button = place.querySelector<HTMLButtonElement>("button[type=submit]")!;
  const decimals = Number(place.dataset.decimals);
  const shape = decimals ? new RegExp(`^\\d{0,7}(\\.\\d{0,${decimals}})?$`) : /^\d{0,9}$/;
  let last = "";

  const check = (): void => {
    if (!shape.test(input.value)) input.value = last;
    last = input.value;
    button.disabled = !(Number(last) > 0);
  };

  input.addEventListener("input", check);
  place.addEventListener("click", (event) => {
    const key = (event.target as HTMLElement).closest<HTMLElement>("[data-key]")?.dataset.key;
    if (!key) return;
    const next = key === "back" ? input.value.slice(0, -1) : input.value + key;
    input.value = next.startsWith(".") ? `0${next}` : next;
    check();
  });
  place.addEventListener("submit", (event) => {
    event.preventDefault();
    if (button.disabled) return;
    void pay({ code: place.dataset.shop!, amount: input.value, origin: "scan" }).then((code) => {
      if (code === "9000") location.assign("/wallet");
    });
  });
  check();
}
