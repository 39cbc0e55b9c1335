import { type MarkedToken, type Tokens, lexer } from "marked";
import { type Draft, createDraft } from "./draft.ts";
import type { Marked } from "./entities.ts";
import { tableLines } from "./table.ts";

/** The only place where the parser's open token type is narrowed: no extension is installed, so no other token exists. */
const narrow = (tokens: readonly unknown[] | undefined): readonly MarkedToken[] =>
  (tokens ?? []) as readonly MarkedToken[];

/**
 * Turns Markdown (GitHub's flavour) into the text and formatting Telegram knows. What Telegram has no form for is said in
 * plain characters: headings become bold lines, lists get bullets, tables are set in fixed width, HTML stays as written.
 */
export function fromMarkdown(markdown: string): Marked {
  const draft = createDraft();
  writeBlocks(draft, narrow(lexer(markdown)));
  return draft.finish();
}

/** Paragraphs, lists and so on, one below the other. */
function writeBlocks(draft: Draft, tokens: readonly MarkedToken[]): void {
  let gap = "";
  for (const token of tokens) {
    if (token.type === "space") {
      if (gap !== "") gap = "\n\n";
      continue;
    }
    if (token.type === "def") continue;
    draft.write(gap);
    writeBlock(draft, token);
    // A blank line in the source stays one, neighbours without it stay together.
    gap = token.raw.endsWith("\n\n") ? "\n\n" : "\n";
  }
}

function writeBlock(draft: Draft, token: MarkedToken): void {
  switch (token.type) {
    case "heading":
      return draft.marked({ type: "bold" }, () => writeInline(draft, token.tokens));
    case "code":
      return writePre(draft, token.text, token.lang);
    case "table":
      return writePre(draft, tableLines(token).join("\n"));
    case "blockquote":
      return draft.marked({ type: "blockquote" }, () => writeBlocks(draft, narrow(token.tokens)));
    case "list":
      return writeList(draft, token);
    case "hr":
      return draft.write("———");
    case "html":
      return draft.write(token.text.trimEnd());
    case "paragraph":
      return writeInline(draft, token.tokens);
    default:
      return writeInline(draft, [token]);
  }
}

/** A block in fixed width; Telegram shows the language above it. */
function writePre(draft: Draft, text: string, info?: string): void {
  // The info string may say more than the language: "js title=x".
  const language = info?.trim().split(/\s/)[0];
  draft.marked({ type: "pre", ...(language === undefined || language === "" ? {} : { language }) }, () =>
    draft.write(text),
  );
}

/** Bullets and numbers as characters; further lines of an item stand under its text. */
function writeList(draft: Draft, list: Tokens.List): void {
  const first = list.start === "" ? 1 : list.start;
  list.items.forEach((item, index) => {
    if (index > 0) draft.write("\n");
    const bullet = item.task ? (item.checked === true ? "☑" : "☐") : list.ordered ? `${first + index}.` : "•";
    draft.write(`${bullet} `);
    const content = narrow(item.tokens).filter((token) => token.type !== "checkbox");
    draft.indented("  ", () => writeBlocks(draft, content));
  });
}

function writeInline(draft: Draft, tokens: readonly unknown[] | undefined): void {
  for (const token of narrow(tokens)) writeSpan(draft, token);
}

const EMPHASIS = { strong: "bold", em: "italic", del: "strikethrough" } as const;

/** What stands within a line. */
function writeSpan(draft: Draft, token: MarkedToken): void {
  const inner = "tokens" in token ? token.tokens : undefined;
  switch (token.type) {
    case "strong":
    case "em":
    case "del":
      return draft.marked({ type: EMPHASIS[token.type] }, () => writeInline(draft, inner));
    case "codespan":
      return draft.marked({ type: "code" }, () => draft.write(token.text));
    case "link":
      return writeLink(draft, token, () => writeInline(draft, inner));
    case "image":
      return writeLink(draft, token, () => draft.write(token.text === "" ? token.href : token.text));
    case "br":
      return draft.write("\n");
    default:
      if (inner !== undefined) return writeInline(draft, inner);
      return draft.write("text" in token ? token.text : token.raw);
  }
}

/** Schemes Telegram makes clickable behind other text; it drops the formatting of any other link. */
const LINKABLE = /^(?:https?|tg|mailto|tel):/i;

/** A link behind text where Telegram can show one, else text and address side by side. */
function writeLink(draft: Draft, { href, text }: { href: string; text: string }, write: () => void): void {
  if (text === href || href === `mailto:${text}`) return draft.write(text);
  if (LINKABLE.test(href)) return draft.marked({ type: "text_link", url: href }, write);
  write();
  draft.write(` (${href})`);
}
