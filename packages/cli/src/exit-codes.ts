/** How every command ends. Scripts rely on these; none changes its meaning. */
export const exitCodes = {
  /** Done; for a check, ALLOW. */
  ok: 0,
  /** A negative finding: a log that was tampered with, a test that failed, a mistake that lint found, a demo whose claim is false. */
  finding: 1,
  /** The command line or its input is wrong. */
  usage: 2,
  requireApproval: 3,
  deny: 4,
  /** A defect of Canopy's own. */
  internal: 70,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
