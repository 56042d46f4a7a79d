/** An edit that cannot be done, in words. */
export class EditRefused extends Error {}
