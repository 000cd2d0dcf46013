import { expect, test } from "vitest";

import { resolve } from "./sources.ts";

test.for([
  ["b.yaml", "a.yaml", "b.yaml"],
  ["./b.yaml", "p/a.yaml", "p/b.yaml"],
  ["../b.yaml", "p/q/a.yaml", "p/b.yaml"],
  ["../../b.yaml", "p/a.yaml", "../b.yaml"],
  ["../b.yaml", "../p/a.yaml", "../b.yaml"],
  ["b.yaml", "/etc/canopy/a.yaml", "/etc/canopy/b.yaml"],
  ["../../../b.yaml", "/etc/a.yaml", "/b.yaml"],
  ["/b.yaml", "p/a.yaml", "/b.yaml"],
  ["b.yaml", "C:\\p\\a.yaml", "C:\\p/b.yaml"],
  ["..\\b.yaml", "C:\\p\\q\\a.yaml", "C:\\p/b.yaml"],
  ["C:\\b.yaml", "p/a.yaml", "C:\\b.yaml"],
  ["b.yaml", "file:///p/a.yaml", "file:///p/b.yaml"],
  ["canopy:default", "p/a.yaml", "canopy:default"],
])("%s seen from %s is %s", ([entry = "", from = "", expected = ""]) => {
  // Separators are one and the same to those who compare names.
  expect(resolve(entry, from).replaceAll("\\", "/")).toBe(expected.replaceAll("\\", "/"));
});
