// node build.mjs --out FOLDER: the board as files that are served as they are. Names of everything but
// index.html hold a hash of the content, so that browsers may keep them for ever.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({ options: { out: { type: "string", default: "dist" } } });
const out = path.resolve(values.out);

function write(name, content) {
    const bytes = Buffer.from(content);
    mkdirSync(path.dirname(path.join(out, name)), { recursive: true });
    writeFileSync(path.join(out, name), bytes);
    writeFileSync(path.join(out, `${name}.gz`), gzipSync(bytes, { level: 9 }));
}

function writeHashed(name, content) {
    const { name: stem, ext } = path.parse(name);
    const hash = createHash("sha256").update(content).digest("hex").slice(0, 12);
    const hashed = `assets/${stem}-${hash}${ext}`;
    write(hashed, content);
    return `/${hashed}`;
}

rmSync(out, { recursive: true, force: true });
const result = await build({
    absWorkingDir: here,
    entryPoints: [
        { in: "src/main.tsx", out: "board" },
        { in: "src/style/board.css", out: "style" },
    ],
    outdir: out,
    bundle: true,
    minify: true,
    charset: "utf8",
    format: "esm",
    target: ["es2021"],
    jsx: "automatic",
    jsxImportSource: "preact",
    write: false,
    logLevel: "warning",
});
const names = {};
for (const file of result.outputFiles)
    names[path.extname(file.path)] = writeHashed(path.basename(file.path), file.contents);
const icon = writeHashed("icon.svg", readFileSync(path.join(here, "src/icon.svg")));
const page = readFileSync(path.join(here, "src/index.html"), "utf8")
    .replace("{style}", names[".css"])
    .replace("{script}", names[".js"])
    .replace("{icon}", icon);
write("index.html", page);
