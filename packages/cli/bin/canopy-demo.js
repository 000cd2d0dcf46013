#!/usr/bin/env node
import "./supported-node.js";

// After the check: an older Node could not even load it.
const { main } = await import("../dist/index.js");
process.exitCode = await main(["demo", ...process.argv.slice(2)]);
