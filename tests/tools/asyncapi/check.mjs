// Reads an AsyncAPI document with the official parser; exit 1 and the findings where it is not valid.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const ERROR = 0;
const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));
const errors = diagnostics.filter((found) => found.severity === ERROR);
for (const found of errors) console.log(`${found.path.join(".")}: ${found.message}`);
if (document) console.log(`asyncapi: valid, ${document.allChannels().length} channels, ${document.allMessages().length} messages`);
process.exit(document && errors.length === 0 ? 0 : 1);
