// The texts that scripts say by themselves, in the page's language (see _client_words in page.py).
let found: Record<string, string> | undefined;

export function word(name: string, n?: number): string {
  found ??= JSON.parse(document.body.dataset.words || "{}") as Record<string, string>;
  const text = found[name] || name;
  return n === undefined ? text : text.replace("{n}", String(n));
}
