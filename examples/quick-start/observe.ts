import { openCanopy, reportAuditLog } from "@canopy-runtime/core";

await using canopy = await openCanopy({ mode: "observe", audit: "observed.log" });

const result = await canopy.authorizeAction({ agent_id: "janitor" }, "execute_shell", { command: "rm -rf /srv/cache" });
console.log(result.decision, result.enforced, result.would); // ALLOW false DENY

const { denied, letThrough, rules } = await reportAuditLog("observed.log");
console.log(denied, letThrough, rules[0]?.name); // 1 1 shell-delete-tree
