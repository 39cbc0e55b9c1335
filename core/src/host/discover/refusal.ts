/** Why an extension does not run, and what to do about it. */
export interface Refusal {
  readonly reason: string;
  readonly fix: string;
}
