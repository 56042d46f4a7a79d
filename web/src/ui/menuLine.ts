import type { IconName } from "@/ui/icons";

/** One line of a menu; `checked` marks what is on, or chosen. */
export interface MenuLine {
  readonly name: string;
  readonly title: string;
  readonly icon?: IconName;
  /** The key that does the same. */
  readonly key?: string;
  readonly checked?: boolean;
  readonly disabled?: boolean;
  /** Why it is disabled. */
  readonly why?: string;
}
