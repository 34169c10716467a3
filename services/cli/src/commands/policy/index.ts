import type { Command } from 'commander';
import type { CommandContext } from '../../command-context.js';
import { addImport } from '../policy-import.js';
import { addCheck } from './check.js';
import { addHistory } from './history.js';
import { addKeygen } from './keygen.js';
import { addPlan } from './plan.js';
import { addPublish } from './publish.js';
import { addRollback } from './rollback.js';
import { addShow } from './show.js';
import { addSign } from './sign.js';
import { addTest } from './test.js';
import { addVerify } from './verify.js';

export function addPolicy(program: Command, context: CommandContext): void {
  const policy = program
    .command('policy')
    .description('check, test, plan, sign, publish, import and look back at policies');
  addCheck(policy, context);
  addTest(policy, context);
  addPlan(policy, context);
  addPublish(policy, context);
  addHistory(policy, context);
  addShow(policy, context);
  addRollback(policy, context);
  addKeygen(policy, context);
  addSign(policy, context);
  addVerify(policy, context);
  addImport(policy, context);
}
