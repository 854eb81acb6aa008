// Builds every top-level *.ts and *.css of this folder into src/saoma/web/built, with hashed names, gzip and brotli
// twins, manifest.json and icons.json. What a reader would get wrong: the files in styles/ and lib/ are parts, not entries.
// A server may start while this runs: files are moved in one by one, the manifest last, and old ones go after it.

import { build } from "esbuild";
import * as sass from "sass";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const built = process.env.SAOMA_BUILT || join(here, "..", "src", "saoma", "web", "built");

const scss = {
  name: "scss",
  setup(step) {
    step.onLoad({ filter: /\.scss$/ }, ({ path }) => {
      const { css } = sass.compile(path, { loadPaths: [join(here, "node_modules")], quietDeps: true, charset: false });
      return { contents: css, loader: "css" };
    });
  },
};

// The dark tokens are written once; people whose device asks for dark and who chose nothing get the same block.
const themes = {
  name: "themes",
  setup(step) {
    step.onLoad({ filter: /tokens\.css$/ }, ({ path }) => {
      const contents = readFileSync(path, "utf8");
      const dark = /\[data-theme="dark"\] \{([^}]*)\}/.exec(contents)[1];
      return { contents: contents.replace("/* dark */", `@media (prefers-color-scheme: dark) { :root:not([data-theme]) {${dark}} }`), loader: "css" };
    });
  },
};

const icons = () => {
  const folder = join(here, "node_modules", "lucide-static", "icons");
  const table = {};
  for (const file of readdirSync(folder)) {
    if (!file.endsWith(".svg")) continue;
    const body = /<svg[^>]*>([\s\S]*)<\/svg>/.exec(readFileSync(join(folder, file), "utf8"))[1];
    table[file.slice(0, -4)] = body.replace(/\s*\n\s*/g, "").trim();
  }
  return table;
};

const entries = readdirSync(here).filter((name) => /\.(ts|css)$/.test(name) && !/\.d\.ts$/.test(name));
mkdirSync(built, { recursive: true });
const out = mkdtempSync(join(built, "new-"));
const result = await build({
  absWorkingDir: here,
  entryPoints: entries,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["chrome80", "safari15"],
  charset: "utf8",
  legalComments: "eof",
  entryNames: "[name].[hash]",
  assetNames: "[name].[hash]",
  outdir: out,
  metafile: true,
  plugins: [scss, themes],
  loader: { ".wasm": "file", ".svg": "dataurl" },
  logLevel: "warning",
});

const manifest = {};
for (const [file, made] of Object.entries(result.metafile.outputs)) {
  const name = file.split("/").pop();
  const source = made.entryPoint ? made.entryPoint.replace(/\.ts$/, ".js") : name.replace(/\.[0-9A-Z]{8}\./, ".");
  const bytes = readFileSync(join(out, name));
  writeFileSync(join(out, `${name}.gz`), gzipSync(bytes, { level: 9 }));
  writeFileSync(join(out, `${name}.br`), brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
  manifest[source] = name;
}
writeFileSync(join(out, "icons.json"), JSON.stringify(icons()));
writeFileSync(join(out, "manifest.json"), JSON.stringify(manifest, null, 1));

const fresh = readdirSync(out);
for (const name of [...fresh.filter((file) => file !== "manifest.json"), "manifest.json"]) renameSync(join(out, name), join(built, name));
for (const name of readdirSync(built)) {
  if (name !== "stamp" && !fresh.includes(name)) rmSync(join(built, name), { recursive: true, force: true });
}
