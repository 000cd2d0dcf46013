// `serve.test.child.ts ARGUMENT…`: the command as a process of its own, so that it can be stopped and killed.
import { main } from "../main.ts";

process.exitCode = await main(process.argv.slice(2));
