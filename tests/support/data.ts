/** Data of the API, in the shape of the operation; a test with a wrong shape fails. */
// biome-ignore lint/suspicious/noExplicitAny: there is no type for every operation of the tests.
export type Data = any;
