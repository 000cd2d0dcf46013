// Made by scripts/embed-default-policy.ts from policies/default.yaml; edit that.

/** The text of `canopy:default`. */
export const defaultPolicyText: string = [
  "# canopy:default, the policy that is in force where the host names no other.",
  "version: 1",
  "name: canopy default",
  "default: REQUIRE_APPROVAL",
  "rules:",
  "  - id: canopy/empty-command",
  "    action_type: execute_shell",
  "    decision: DENY",
  "    when_all:",
  "      - 'payload.command == \"\"'",
  "    reason: The command is empty",
  "    examples:",
  "      match:",
  '        - payload: { command: "" }',
  "      not_match:",
  "        - payload: { command: ls }",
  "",
].join("\n");
