/** What the API tells: its shape is the operation's, and a test that mistakes it fails. */
// biome-ignore lint/suspicious/noExplicitAny: there is no type for every operation of the tests.
export type Data = any;
