export { decisionTable } from "./decision-table.ts";
export { main } from "./main.ts";
