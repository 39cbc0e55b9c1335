/** One step of the schema. Applied once, in one transaction; never edited after a release, only followed by another. */
export interface Migration {
  /** Order of application; unique. */
  readonly id: number;
  readonly name: string;
  /** One or more statements. */
  readonly sql: string;
}
