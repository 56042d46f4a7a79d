/** What a segment is, in the codes of a terminology: category and type, with what tells left from right. */

/** A coded concept (PS3.3 8.8). */
export interface TermCode {
  readonly value: string;
  readonly scheme: string;
  readonly meaning: string;
}

/** A term as lists offer it. */
export interface OfferedTerm {
  readonly category: TermCode;
  readonly type: TermCode;
  /** Those that may be chosen with it, as left and right; none for most. */
  readonly modifiers: readonly TermCode[];
  readonly anatomic_region: TermCode | null;
  /** "#rrggbb", as recommended; null if nothing is. */
  readonly colour: string | null;
}

/** A term as a segment has it. */
export interface ChosenTerm {
  readonly category: TermCode;
  readonly type: TermCode;
  readonly type_modifier: TermCode | null;
  readonly anatomic_region: TermCode | null;
  readonly region_modifier: TermCode | null;
  readonly colour: string | null;
}

/** What a segment is called, and how it is drawn. */
export interface NamedSegment {
  readonly label: string;
  readonly colour: string;
}

const wordsOf = (text: string): string[] => text.toLowerCase().split(/\s+/).filter(Boolean);

export const isSameCode = (one: TermCode | null, other: TermCode | null): boolean => one?.value === other?.value && one?.scheme === other?.scheme;

/** True if a term is offered as this one, whatever its modifier. */
export const isTermOf = ({ category, type, anatomic_region: region }: OfferedTerm, chosen: ChosenTerm): boolean =>
  isSameCode(type, chosen.type) && isSameCode(category, chosen.category) && isSameCode(region, chosen.anatomic_region);

/** The term that a search means: with the modifier whose words are all in the search, as in "left kidney". */
export function termOfSearch({ category, type, modifiers, anatomic_region: region, colour }: OfferedTerm, search: string): ChosenTerm {
  const searched = wordsOf(search);
  // "Right and left" has all words of "Right": the one with more words is meant.
  const meant = modifiers.filter(({ meaning }) => wordsOf(meaning).every((word) => searched.includes(word))).sort((a, b) => b.meaning.length - a.meaning.length);
  return { category, type, type_modifier: meant.at(0) ?? null, anatomic_region: region, region_modifier: null, colour };
}

/** "Left kidney": what a segment of a term is called. */
export function termLabel({ type, type_modifier: side }: Pick<ChosenTerm, "type" | "type_modifier">): string {
  if (!side) return type.meaning;
  const [first, second = ""] = type.meaning;
  // Names and abbreviations keep their capitals.
  const isWord = second === second.toLowerCase();
  return `${side.meaning} ${isWord ? first.toLowerCase() : first}${type.meaning.slice(1)}`;
}

/**
 * The name and colour of a segment after a term was chosen for it: the term's, where nobody has changed them.
 *
 * `before` is the term that it had, and `first` the name and colour that it began with.
 */
export function afterTerm({ label, colour }: NamedSegment, first: NamedSegment, before: ChosenTerm | null, term: ChosenTerm): NamedSegment {
  const isUntouched = label.trim() === "" || label === first.label || (before !== null && label === termLabel(before));
  const hasOwnColour = colour !== first.colour && colour !== (before?.colour ?? first.colour);
  return { label: isUntouched ? termLabel(term) : label, colour: hasOwnColour || term.colour === null ? colour : term.colour };
}

/** A line of a list of terms: what it is beyond its name. */
export function termFacts({ category, type, anatomic_region: region }: OfferedTerm): string {
  return [category.meaning, region?.meaning, `${type.value} ${type.scheme}`].filter(Boolean).join(" · ");
}
