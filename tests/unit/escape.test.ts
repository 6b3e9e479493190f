// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Escaping turns any bytes into one printable word. The word reads back to the same bytes, so no two byte
// strings give the same word.
import { expect, test } from "bun:test";
import { readLossless, readWord } from "../support/escapes.ts";
import { hex, lossless, quoted, word } from "../support/lines.ts";
import { Random } from "../support/random.ts";

const bytes = (...parts: (string | number)[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from([part]))));

const shown: [what: string, bytes: Uint8Array, word: string][] = [
  ["a plain name", bytes("test123"), "test123"],
  ["a type", bytes("hash:ip,port"), "hash:ip,port"],
  ["punctuation without a meaning in a line", bytes("a:b/c.d_e-f+g'h;i|j&k$l"), "a:b/c.d_e-f+g'h;i|j&k$l"],
  ["letters of any script", bytes("café-集合-сет"), "café-集合-сет"],
  ["right-to-left letters", bytes("שלום"), "שלום"],
  ["an emoji, four bytes long", bytes("🐇"), "🐇"],
  ["no bytes", bytes(), '""'],
  ["a space", bytes("white space"), '"white space"'],
  ["a quote", bytes('a"b'), String.raw`"a\"b"`],
  ["a backslash", bytes("a\\b"), String.raw`"a\\b"`],
  ["a backslash and a letter", bytes("a\\nb"), String.raw`"a\\nb"`],
  ["a newline", bytes("a\nb"), String.raw`"a\nb"`],
  ["a tab", bytes("a\tb"), String.raw`"a\tb"`],
  ["a carriage return", bytes("a\rb"), String.raw`"a\x0db"`],
  ["an escape sequence", bytes("\x1b[31mred"), String.raw`"\x1b[31mred"`],
  ["DEL", bytes("\x7f"), String.raw`"\x7f"`],
  ["a NUL", bytes("a\0b"), String.raw`"a\x00b"`],
  ["a C1 control, as a character", bytes("\u009b31m"), String.raw`"\u{9b}31m"`],
  ["a C1 control, as a byte", bytes(0x9b, "31m"), String.raw`"\x9b31m"`],
  ["a bidirectional override", bytes("a\u202eb"), String.raw`"a\u{202e}b"`],
  ["a bidirectional isolate", bytes("\u2067a\u2069"), String.raw`"\u{2067}a\u{2069}"`],
  ["a right-to-left mark", bytes("a\u200f"), String.raw`"a\u{200f}"`],
  ["a line separator", bytes("a\u2028b"), String.raw`"a\u{2028}b"`],
  ["a paragraph separator", bytes("a\u2029b"), String.raw`"a\u{2029}b"`],
  ["a no-break space", bytes("a\u00a0b"), String.raw`"a\u{a0}b"`],
  ["an ideographic space", bytes("a\u3000b"), String.raw`"a\u{3000}b"`],
  ["a byte order mark", bytes("\ufeffa"), String.raw`"\u{feff}a"`],
  ["a zero-width space", bytes("a\u200bb"), String.raw`"a\u{200b}b"`],
  ["a zero-width joiner", bytes("a\u200db"), String.raw`"a\u{200d}b"`],
  ["a soft hyphen", bytes("a\u00adb"), String.raw`"a\u{ad}b"`],
  ["a letter that shows nothing (Hangul filler)", bytes("\u3164"), String.raw`"\u{3164}"`],
  ["a mark that shows nothing (variation selector)", bytes("a\ufe0f"), String.raw`"a\u{fe0f}"`],
  ["a mark that shows nothing (grapheme joiner)", bytes("a\u034f"), String.raw`"a\u{34f}"`],
  ["a symbol that shows nothing (blank Braille pattern)", bytes("\u2800"), String.raw`"\u{2800}"`],
  ["a character for private use", bytes("\ue000"), String.raw`"\u{e000}"`],
  ["a character that does not exist", bytes("\uffff"), String.raw`"\u{ffff}"`],
  ["a tag character, four bytes long", bytes("\u{e0041}"), String.raw`"\u{e0041}"`],
  ["a byte that is never in UTF-8", bytes("bad", 0xff), String.raw`"bad\xff"`],
  ["a truncated character", bytes("a", 0xe2, 0x82), String.raw`"a\xe2\x82"`],
  ["a continuation without a start", bytes(0x80, "a"), String.raw`"\x80a"`],
  ["a start without its continuation", bytes(0xc3, "a"), String.raw`"\xc3a"`],
  ["a newline in overlong UTF-8", bytes(0xc0, 0x8a), String.raw`"\xc0\x8a"`],
  ["a slash in longer overlong UTF-8", bytes(0xe0, 0x80, 0xaf), String.raw`"\xe0\x80\xaf"`],
  ["a lone surrogate", bytes(0xed, 0xa0, 0x80), String.raw`"\xed\xa0\x80"`],
  ["a number beyond the last character", bytes(0xf4, 0x90, 0x80, 0x80), String.raw`"\xf4\x90\x80\x80"`],
  [
    "text that resembles the end of a line",
    bytes("x (type: hash:ip) - SUCCESS"),
    '"x (type: hash:ip) - SUCCESS"',
  ],
  ["text that resembles a mark of mine", bytes("<all sets>"), '"<all sets>"'],
  ["text that resembles an arrow", bytes("->"), '"->"'],
  ["a parenthesis", bytes("a)"), '"a)"'],
];

test.each(shown)("shows %s", (_what, given, expected) => {
  expect(word(given)).toBe(expected);
});

/** Characters that end a line, move the cursor, reverse the text direction or are invisible. */
const harmful = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/u;

const samples: [string, (random: Random) => Uint8Array][] = [
  ["random bytes", (random) => random.bytes(random.below(12))],
  [
    "random characters",
    (random) => bytes(...Array.from({ length: random.below(6) }, () => character(random))),
  ],
  [
    "text that resembles an escape",
    (random) => bytes(...Array.from({ length: random.below(8) }, () => piece(random))),
  ],
];

function character(random: Random): string {
  const codePoint = random.below(random.oneOf([0x100, 0x3000, 0x10000, 0x110000]));
  return String.fromCodePoint(codePoint >= 0xd800 && codePoint < 0xe000 ? 0x2028 : codePoint);
}

function piece(random: Random): string | number {
  const pieces = [
    "\\",
    "x",
    "0",
    "a",
    "n",
    "u",
    "{",
    "}",
    '"',
    " ",
    "\n",
    "\x0a",
    "\u202e",
    "\\x0a",
    "\\u{202e}",
  ];
  return random.oneOf([...pieces, "é", 0xc3, 0xa9, 0x80, 0xe2, 0xae, 0xff, "\x80", "<", ">"]);
}

test.each(samples)("turns %s into one printable word, which reads back", (_what, make) => {
  const random = new Random(415);
  for (let round = 0; round < 40_000; round++) {
    const given = make(random);
    const text = word(given);
    if (harmful.test(text)) throw new Error(`${given.toHex()} gives a harmful ${JSON.stringify(text)}`);
    if (!text.startsWith('"') && !/^[^\s"\\<>()]+$/.test(text)) throw new Error(`not one word: ${text}`);
    if (readWord(text).toHex() !== given.toHex())
      throw new Error(`${given.toHex()} reads back wrong: ${text}`);
  }
});

test("turns every character of Unicode into one printable word, which reads back", () => {
  for (let codePoint = 0; codePoint < 0x110000; codePoint += codePoint < 0x3000 ? 1 : 7) {
    if (codePoint >= 0xd800 && codePoint < 0xe000) continue;
    const given = bytes(String.fromCodePoint(codePoint));
    const text = word(given);
    if (harmful.test(text)) throw new Error(`U+${codePoint.toString(16)} gives a harmful word`);
    if (readWord(text).toHex() !== given.toHex())
      throw new Error(`U+${codePoint.toString(16)} reads back wrong`);
  }
});

test("a byte and the text of its escape give different words", () => {
  const alike = [bytes("\n"), bytes("\\n"), bytes("\\x0a"), bytes(String.raw`"\n"`), bytes("n")];
  expect(new Set(alike.map(word)).size).toBe(alike.length);
});

test("truncates hexadecimal at the limit, and shows the number of missing bytes", () => {
  expect(hex(bytes(0x00, 0x0f, 0xff), 3)).toBe("000fff");
  expect(hex(bytes(0x00, 0x0f, 0xff), 2)).toBe("000f +1 bytes");
  expect(hex(bytes(), 2)).toBe("");
});

test.each<[string, Uint8Array, string]>([
  ["text", bytes("café 🐇\n"), "café 🐇\n"],
  ["a backslash", bytes("a\\b"), "a\\\\b"],
  ["the text of an escape", bytes("\\xff"), "\\\\xff"],
  ["a byte that is never in UTF-8", bytes("a", 0xff), "a\\xff"],
  ["a truncated character", bytes(0xe2, 0x82), "\\xe2\\x82"],
  ["a lone surrogate", bytes(0xed, 0xa0, 0x80), "\\xed\\xa0\\x80"],
  ["a byte order mark", bytes("\ufeffa"), "\ufeffa"],
  ["no bytes", bytes(), ""],
])("lossless: shows %s", (_what, given, expected) => {
  expect(lossless(given)).toBe(expected);
});

test.each(samples)("reads %s back from the lossless and the quoted form", (_what, make) => {
  const random = new Random(416);
  for (let round = 0; round < 20_000; round++) {
    const given = make(random);
    expect(readLossless(lossless(given)).toHex()).toBe(given.toHex());
    expect(readWord(quoted(given)).toHex()).toBe(given.toHex());
    expect(quoted(given)).toStartWith('"');
  }
});
