// Version 5 of the OpenAI SDK makes schemas of zod 3 alone, and its tests stand beside those of the versions that take zod 4.
function readPackage(manifest) {
  if (manifest.name === "openai" && manifest.version.startsWith("5.")) {
    delete manifest.peerDependencies.zod;
    manifest.dependencies = { ...manifest.dependencies, zod: "3.25.76" };
  }
  return manifest;
}

module.exports = { hooks: { readPackage } };
