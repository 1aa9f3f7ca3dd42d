/** The geometry of a sparkline. Pure. */

export type SparkShape = {
  lines: string[];
  last: [number, number] | null;
  target: string | null;
  min: number;
  max: number;
};

/**
 * Lays values out in a box. Gaps (null) break the line instead of being drawn as zero, and the
 * targets share the scale, so that the distance between line and target is true.
 */
export function spark(
  values: (number | null)[],
  targets: (number | null)[],
  width: number,
  height: number,
): SparkShape {
  const known = [...values, ...targets].filter((v): v is number => v !== null);
  const min = known.length ? Math.min(...known) : 0;
  const max = known.length ? Math.max(...known) : 1;
  const span = max - min || 1;
  const x = (i: number) => (values.length < 2 ? width / 2 : (i / (values.length - 1)) * width);
  const y = (v: number) => (max === min ? height / 2 : height - ((v - min) / span) * height);
  const round = (n: number) => Math.round(n * 10) / 10;

  const trace = (list: (number | null)[]): string[] => {
    const lines: string[] = [];
    let current: string[] = [];
    list.forEach((v, i) => {
      if (v === null) {
        if (current.length) lines.push(current.join(" "));
        current = [];
      } else {
        current.push(`${current.length ? "L" : "M"}${round(x(i))} ${round(y(v))}`);
      }
    });
    if (current.length) lines.push(current.join(" "));
    return lines;
  };

  let last: [number, number] | null = null;
  values.forEach((v, i) => {
    if (v !== null) last = [round(x(i)), round(y(v))];
  });
  return { lines: trace(values), last, target: trace(targets).join(" ") || null, min, max };
}
