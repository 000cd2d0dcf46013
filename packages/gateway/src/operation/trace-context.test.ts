import { expect, it } from "vitest";

import { traceIdOf } from "./trace-context.ts";

const trace = "0af7651916cd43dd8448eb211c80319c";
const parent = "b7ad6b7169203331";

it.each([
  [`00-${trace}-${parent}-01`, trace],
  [`00-${trace}-${parent}-00`, trace],
  [`01-${trace}-${parent}-01-what-comes-later`, trace],
  [`00-${trace}-${parent}-01-more`, undefined],
  [`ff-${trace}-${parent}-01`, undefined],
  [`00-${"0".repeat(32)}-${parent}-01`, undefined],
  [`00-${trace}-${"0".repeat(16)}-01`, undefined],
  [`00-${trace.toUpperCase()}-${parent}-01`, undefined],
  [`00-${trace}-${parent}`, undefined],
  [` 00-${trace}-${parent}-01`, undefined],
  ["", undefined],
  [undefined, undefined],
])("%s is the trace %s", (header, expected) => {
  expect(traceIdOf(header)).toBe(expected);
});
