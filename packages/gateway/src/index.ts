export { type JwtSettings } from "./auth/jwt.ts";
export { type KeyInfo, type NewKey, addKey, listKeys, revokeKey } from "./auth/keys.ts";
export { type Scope, scopes } from "./auth/principal.ts";
export { type Gateway, startGateway } from "./gateway.ts";
export type { LogOptions } from "./operation/log.ts";
export type { ReadinessReport } from "./operation/readiness.ts";
export type { GatewayLimits, GatewayOptions } from "./options.ts";
