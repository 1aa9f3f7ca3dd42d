/** The fonts that every PDF reader has know Latin letters only: every other text becomes a small picture of itself, drawn by the browser. */

// What Windows-1252 has beyond Latin-1.
const MORE = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ";
const isKnown = (text: string): boolean =>
  [...text].every((c) => {
    const code = c.codePointAt(0) ?? 0;
    return (code >= 0x20 && code < 0x7f) || (code >= 0xa0 && code <= 0xff) || MORE.includes(c);
  });
const SHARP = 4;

/** Replaces what the fonts of a PDF cannot write. */
export function latin(svg: Element): void {
  for (const text of svg.querySelectorAll("text")) {
    // Narrow spaces and the true minus have a plain letter that reads the same.
    const plain = (text.textContent ?? "").replace(/[\u2009\u200a\u202f]/g, " ").replace(/\u2212/g, "-");
    if (isKnown(plain)) {
      if (text.childElementCount === 0 && plain !== text.textContent) text.textContent = plain;
      continue;
    }
    const style = getComputedStyle(text);
    const size = Number.parseFloat(style.fontSize) || 11;
    const canvas = document.createElement("canvas");
    const pen = canvas.getContext("2d");
    if (!pen) continue;
    const font = `${style.fontWeight} ${size * SHARP}px ${style.fontFamily}`;
    pen.font = font;
    const width = pen.measureText(plain).width;
    canvas.width = Math.ceil(width) + 2;
    canvas.height = Math.ceil(size * SHARP * 1.5);
    pen.font = font;
    pen.fillStyle = style.fill || "#000";
    pen.textBaseline = "alphabetic";
    const base = size * SHARP * 1.1;
    pen.fillText(plain, 0, base);
    const anchor = style.textAnchor === "middle" ? 0.5 : style.textAnchor === "end" ? 1 : 0;
    const central = style.dominantBaseline === "central" || style.dominantBaseline === "middle";
    const image = document.createElementNS("http://www.w3.org/2000/svg", "image");
    const set = (name: string, value: number | string) => image.setAttribute(name, String(value));
    set("x", Number(text.getAttribute("x") ?? 0) - (width / SHARP) * anchor);
    set("y", Number(text.getAttribute("y") ?? 0) - base / SHARP + (central ? size * 0.35 : 0));
    set("width", canvas.width / SHARP);
    set("height", canvas.height / SHARP);
    const transform = text.getAttribute("transform");
    if (transform) set("transform", transform);
    image.setAttributeNS("http://www.w3.org/1999/xlink", "xlink:href", canvas.toDataURL("image/png"));
    text.replaceWith(image);
  }
}
