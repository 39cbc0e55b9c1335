import { writeFileSync } from "node:fs";
import { readme } from "./cases.ts";

writeFileSync(new URL("README.md", import.meta.url), readme());
