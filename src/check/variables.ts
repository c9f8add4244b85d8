/** Returns the value of an environment variable; undefined if it is empty or not set. */
export type Variables = (name: string) => string | undefined;
