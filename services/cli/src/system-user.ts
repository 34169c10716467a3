import { userInfo } from 'node:os';
import { WrongUsage } from './errors.js';

/** The name of whoever runs this, recorded with what they do. Throws {@link WrongUsage} for a user without a name. */
export function systemUser(): string {
  try {
    return userInfo().username;
  } catch (error) {
    throw new WrongUsage('this system user has no name: say with --by who acts', { cause: error });
  }
}
