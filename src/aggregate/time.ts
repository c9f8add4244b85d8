import { refusal } from '../resolvers/refusal.ts';

/** The name of a time zone. What else Intl takes, such as +05:30, means the opposite to Postgres. */
const NAMED_ZONE = /^[A-Za-z][A-Za-z0-9_+/-]*$/;
const DURATION =
  /^P(?=\d|T\d)(\d{1,4}Y)?(\d{1,4}M)?(\d{1,4}W)?(\d{1,4}D)?(T(?=\d)(\d{1,4}H)?(\d{1,4}M)?(\d{1,4}S)?)?$/;

/** Returns the name of a time zone. Throws BAD_USER_INPUT for an unknown one. */
export function readTimeZone(name: string, argument: string): string {
  try {
    if (NAMED_ZONE.test(name)) {
      new Intl.DateTimeFormat('en', { timeZone: name });
      return name;
    }
  } catch {
    // Refused below.
  }
  throw refusal(argument, 'There is no such time zone: give a name such as "Asia/Kolkata".');
}

/** Returns an ISO 8601 duration. Throws BAD_USER_INPUT for anything else, and for none at all. */
export function readDuration(text: string, argument: string): string {
  if (DURATION.test(text) && /[1-9]/.test(text)) return text;
  throw refusal(argument, 'This is no ISO 8601 duration: write "P1M", "P7D" or "PT12H".');
}
