/** An agent that has nothing to say answers exactly this; it is neither shown nor sent. Source: wire protocol section 4.4. */
const SILENT_TOKEN = "NO_REPLY";

/** True when the answer says nothing. */
export function isSilent(text: string): boolean {
  const trimmed = text.trim();
  return trimmed === "" || trimmed === SILENT_TOKEN;
}

/** True while a streamed text may still turn out to be the silent token, so that its beginning is not shown. */
export const mayBecomeSilent = (text: string): boolean => SILENT_TOKEN.startsWith(text.trim());

/** The text to show, or `""`. */
export const answerText = (text: string): string => (isSilent(text) ? "" : text);
