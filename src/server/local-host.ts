const LOCAL_NAME = /^(localhost|[^.]+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Returns whether a Host header names this machine. A page of another site can make its own name
 * point here, and then sends that name.
 */
export function isLocalHost(host: string | null): boolean {
  const url = `http://${host}`;
  return host !== null && URL.canParse(url) && LOCAL_NAME.test(new URL(url).hostname);
}
