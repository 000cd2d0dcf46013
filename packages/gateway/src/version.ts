/** The version of this package, as its manifest has it; a test keeps them equal. */
export const gatewayVersion = "0.1.0";
