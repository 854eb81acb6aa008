// A row of dots that digits fill. What a reader would get wrong: where dots are shown as digits, they are no secret.

export class Pad {
  private readonly dots: HTMLElement;
  private digits = "";

  constructor(private readonly part: HTMLElement) {
    this.dots = part.querySelector<HTMLElement>("[data-dots]")!;
    this.show();
    this.hint("");
  }

  /** One key; the digits once there are enough of them. */
  press(key: string): string | undefined {
    const count = this.dots.children.length;
    this.digits = key === "back" ? this.digits.slice(0, -1) : (this.digits + key).slice(0, count);
    this.show();
    return this.digits.length === count ? this.digits : undefined;
  }

  /** Empty again, shaking its head. */
  wrong(hint: string): void {
    this.digits = "";
    this.show();
    this.hint(hint);
    this.dots.classList.remove("is-wrong");
    void this.dots.offsetWidth;
    this.dots.classList.add("is-wrong");
  }

  private hint(words: string): void {
    const place = this.part.querySelector<HTMLElement>("[data-hint]");
    if (place) place.textContent = words;
  }

  private show(): void {
    const open = this.dots.classList.contains("is-shown");
    [...this.dots.children].forEach((dot, at) => {
      dot.classList.toggle("is-full", at < this.digits.length);
      if (open) dot.textContent = this.digits[at] || "";
    });
    this.dots.setAttribute("aria-valuenow", String(this.digits.length));
  }
}
