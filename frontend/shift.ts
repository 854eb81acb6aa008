// Counting a drawer: adds up what is typed, for the eye only.
// What a reader would get wrong: nothing here is sent; the server adds up the pieces itself.

/** `$100.00` with another number in it: the sign, the place of the dot and the grouping stay as the server writes them. */
function like(format: string, sample: string, minor: number, digits: number): string {
  const whole = Math.floor(minor / 10 ** digits).toLocaleString("en");
  const text = digits ? `${whole}.${String(minor % 10 ** digits).padStart(digits, "0")}` : whole;
  const number = Number(sample).toLocaleString("en", { minimumFractionDigits: digits });
  return format.replace(number, text);
}

function addUp(): void {
  const box = document.querySelector<HTMLElement>("[data-count]");
  const sum = document.querySelector<HTMLElement>("[data-count-sum]");
  if (!box || !sum) return;
  let minor = 0;
  for (const input of box.querySelectorAll<HTMLInputElement>("input[data-worth]")) {
    minor += Number(input.dataset.worth) * (/^\d{1,4}$/.test(input.value.trim()) ? Number(input.value) : 0);
  }
  sum.textContent = like(sum.dataset.format || "", sum.dataset.of || "", minor, Number(box.dataset.minorDigits));
}

document.addEventListener("input", addUp);
document.addEventListener("DOMContentLoaded", addUp);
addUp();
