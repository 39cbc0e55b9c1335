import { describe, expect, it } from "vitest";
import { fromMarkdown } from "./markdown.ts";

/** Shows formatting inline, so that a table of cases can be read: `[bold:text]`. */
function show(markdown: string): string {
  const { text, entities } = fromMarkdown(markdown);
  const marks = entities.flatMap((entity, order) => {
    const detail = entity.type === "pre" ? (entity.language ?? "") : entity.type === "text_link" ? entity.url : "";
    const open = `[${entity.type}${detail === "" ? "" : `=${detail}`}:`;
    return [
      { at: entity.offset, order, mark: open },
      { at: entity.offset + entity.length, order: -1 - order, mark: "]" },
    ];
  });
  // Ends come before beginnings at one place, inner ends before outer ones.
  marks.sort((a, b) => b.at - a.at || b.order - a.order);
  return marks.reduce((shown, { at, mark }) => shown.slice(0, at) + mark + shown.slice(at), text);
}

const cases: [name: string, markdown: string, shown: string][] = [
  ["plain text", "just text", "just text"],
  ["bold, italic and strike", "**a** *b* ~~c~~", "[bold:a] [italic:b] [strikethrough:c]"],
  ["nested emphasis", "**a _b_ c**", "[bold:a [italic:b] c]"],
  ["code", "run `npm i` now", "run [code:npm i] now"],
  ["code inside bold, which Telegram cannot nest", "**a `b` c**", "[bold:a ][code:b][bold: c]"],
  ["a word with underscores", "snake_case_name", "snake_case_name"],
  ["a fenced block with its language", "```ts title=x\nlet a = 1;\n```", "[pre=ts:let a = 1;]"],
  ["a fence that nobody closed", "```\na", "[pre:a]"],
  ["a heading", "## Title *x*\ntext", "[bold:Title [italic:x]]\ntext"],
  ["bold inside a heading, said once", "# A **b**", "[bold:A b]"],
  ["a bullet list", "- a\n- b", "• a\n• b"],
  ["a numbered list that starts at three", "3. a\n4. b", "3. a\n4. b"],
  ["nested lists", "- a\n  - b\n    - c\n- d", "• a\n  • b\n    • c\n• d"],
  ["tasks", "- [x] done\n- [ ] open", "☑ done\n☐ open"],
  ["a list after a paragraph", "Do:\n\n- a\n- b\n\nEnd", "Do:\n\n• a\n• b\n\nEnd"],
  ["a quote", "> a\n> b", "[blockquote:a\nb]"],
  ["a quote in a quote, which Telegram cannot nest", "> a\n> > b", "[blockquote:a\nb]"],
  ["code in a quote", "> a `b`", "[blockquote:a [code:b]]"],
  ["a link", "[here](https://x.example/a_b)", "[text_link=https://x.example/a_b:here]"],
  ["a bold link", "**[here](https://x.example)**", "[bold:[text_link=https://x.example:here]]"],
  ["a bare address", "see https://x.example/a_b_c.", "see https://x.example/a_b_c."],
  ["a link Telegram would not show", "[spec](./spec.md)", "spec (./spec.md)"],
  ["an image", "![cat](https://x.example/c.png)", "[text_link=https://x.example/c.png:cat]"],
  ["a table", "|a|bb|\n|-|-|\n|ccc|d|", "[pre:a   | bb\n----+---\nccc | d]"],
  ["a rule", "a\n\n---\n\nb", "a\n\n———\n\nb"],
  ["HTML, as written", "a <b>x</b>", "a <b>x</b>"],
  ["escapes", "\\*a\\*", "*a*"],
  ["offsets after an emoji", "👍🏽 **a**", "👍🏽 [bold:a]"],
  ["paragraphs", "a\n\nb\nc", "a\n\nb\nc"],
  ["nothing", "", ""],
];

describe("Markdown for Telegram", () => {
  it.each(cases)("shows %s", (_name, markdown, shown) => {
    expect(show(markdown)).toBe(shown);
  });
});
