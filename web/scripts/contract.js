/**
 * Generates the types of the REST API and the validators of its answers from contract/openapi.json.
 *
 * `node scripts/contract.js` writes the files; with `--check` it writes nothing and fails if they are out of date.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import openapiTS, { astToString } from "openapi-typescript";

import { validatorsModule } from "./validators.js";

const CONTRACT = new URL("../../contract/openapi.json", import.meta.url);
const FOLDER = new URL("../src/api/generated/", import.meta.url);
const HEADER = "// Generated from contract/openapi.json by `npm run types`. Do not edit.\n";

// A field with a default may be left out of a request; the contract requires it in answers.
const types = astToString(await openapiTS(CONTRACT, { defaultNonNullable: false }));
const files = {
  "types.d.ts": HEADER + types,
  "validators.ts": validatorsModule(JSON.parse(readFileSync(CONTRACT, "utf8")), "@/api/generated/types"),
};

let stale = 0;
for (const [name, text] of Object.entries(files)) {
  const path = fileURLToPath(new URL(name, FOLDER));
  if (!process.argv.includes("--check")) writeFileSync(path, text);
  else if (read(path) !== text) {
    stale += 1;
    process.stderr.write(`${path} is out of date: run \`npm run types\`\n`);
  }
}
process.exitCode = stale ? 1 : 0;

function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
