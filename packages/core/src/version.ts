/** The version of this package, which is the version of its engine and its facts: the same version gives the same answers. */
export const engineVersion = "0.1.0";
