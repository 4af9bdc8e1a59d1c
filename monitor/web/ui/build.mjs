// Builds the dashboard into monitor/web/static. `--types` only writes src/api-types.ts.
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { apiTypes } from "./types.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const OPENAPI = join(HERE, "../../api/openapi.json");
const OUT = join(HERE, "../static");
const FRESH = `${OUT}.new`;
// What the first visit and all of it may cost: it is loaded over phone networks during an outage.
const FIRST_GZIP_BYTES = 60 * 1024;
const ALL_GZIP_BYTES = 90 * 1024;

async function writeTypes() {
  const text = apiTypes(JSON.parse(await readFile(OPENAPI, "utf8")));
  await writeFile(join(HERE, "src/api-types.ts"), text);
}

const OPTIONS = {
  absWorkingDir: HERE,
  entryNames: "[name]-[hash]",
  outdir: OUT,
  bundle: true,
  minify: true,
  write: false,
  metafile: true,
  target: ["es2022"],
  jsx: "automatic",
  jsxImportSource: "preact",
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
};

/** Bundle: every file with a hash of its content in its name, and which the first visit loads. */
async function bundle() {
  const pages = await build({ ...OPTIONS, entryPoints: ["src/main.tsx"], format: "esm", splitting: true, chunkNames: "[name]-[hash]" });
  const theme = await build({ ...OPTIONS, entryPoints: ["src/theme-first.ts"], format: "iife" });
  const outputs = Object.entries(pages.metafile.outputs).map(([path, about]) => [basename(path), about]);
  const [main, { imports }] = outputs.find(([, about]) => about.entryPoint === "src/main.tsx");
  const needed = imports.filter((one) => one.kind === "import-statement").map((one) => basename(one.path));
  // main.tsx imports every style sheet: those of pages that are loaded later are in its own.
  const files = [...pages.outputFiles, ...theme.outputFiles]
    .map((file) => ({ name: basename(file.path), bytes: file.contents }))
    .filter(({ name }) => !name.endsWith(".css") || name.startsWith("main-"));
  const early = ({ name }) => name === main || needed.includes(name) || /^theme-|\.css$/.test(name);
  return { files, first: files.filter(early), main, needed };
}

/** The licences of what is built in ask that they go with it. */
async function licences() {
  const { dependencies } = JSON.parse(await readFile(join(HERE, "package.json"), "utf8"));
  const texts = Object.entries(dependencies).map(async ([name, version]) => {
    return `${name} ${version}\n\n${await readFile(join(HERE, "node_modules", name, "LICENSE"), "utf8")}`;
  });
  return { name: "licences.txt", bytes: Buffer.from((await Promise.all(texts)).join("\n\n")) };
}

function page(template, { files, main, needed }) {
  const named = (start, end) => files.find(({ name }) => name.startsWith(start) && name.endsWith(end)).name;
  const preloads = needed.map((name) => `<link rel="modulepreload" href="/assets/${name}">`);
  return template
    .replace("{{theme}}", `/assets/${named("theme-first-", ".js")}`)
    .replace("{{script}}", `/assets/${main}`)
    .replace("{{preloads}}", preloads.join("\n"))
    .replace("{{style}}", `/assets/${named("main-", ".css")}`);
}

const gzip = (bytes) => gzipSync(bytes, { level: 9 });

function weigh(what, files, mostBytes) {
  const bytes = files.reduce((sum, file) => sum + gzip(file.bytes).length, 0);
  if (bytes > mostBytes) throw new Error(`${what} has ${bytes} bytes compressed, more than ${mostBytes}`);
  return `${what} ${bytes}`;
}

async function main() {
  await writeTypes();
  if (process.argv.includes("--types")) return;
  const made = await bundle();
  const index = page(await readFile(join(HERE, "src/index.html"), "utf8"), made);
  const weights = [weigh("the first visit", made.first, FIRST_GZIP_BYTES), weigh("all", made.files, ALL_GZIP_BYTES)];
  await rm(FRESH, { recursive: true, force: true });
  await mkdir(FRESH, { recursive: true });
  for (const { name, bytes } of [...made.files, await licences(), { name: "index.html", bytes: Buffer.from(index) }]) {
    await writeFile(join(FRESH, name), bytes);
    await writeFile(join(FRESH, `${name}.gz`), gzip(bytes));
  }
  // Swapped at the end: a build that fails leaves the last good one where it is.
  await rm(OUT, { recursive: true, force: true });
  await rename(FRESH, OUT);
  console.log(`dashboard: ${made.files.length} files, bytes compressed: ${weights.join(", ")}`);
}

await main();
