/** Colours and other styles, which take no room. */
// oxlint-disable-next-line no-control-regex -- styles begin with a control character
const STYLES = /\u001b\[[\d;]*m/g;

/** What is two columns wide in terminals: Chinese, Japanese and Korean writing, full-width forms and most pictures. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\ud800-\udbff][\udc00-\udfff]/g;

/** Marks that are written over the character before them. */
const OVER = /[\u0300-\u036f]|[\u200b\u200c]|\u200d|[\ufe00-\ufe0f]/g;

/**
 * Columns of a terminal that a line of text takes. It also stands for the package `string-width` in the bundle (see
 * `core/tsup.config.ts`), whose tables of all scripts take a sixth of the time that a gateway needs to start.
 */
export default function textWidth(text: string): number {
  return text.replace(STYLES, "").replace(OVER, "").replace(WIDE, "..").length;
}
