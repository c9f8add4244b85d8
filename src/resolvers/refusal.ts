import { GatewayError } from '../context/errors.ts';

/** An error that names the argument at fault. */
export function refusal(argument: string, message: string): GatewayError {
  return new GatewayError('BAD_USER_INPUT', `${message} (${argument})`, { argument });
}
