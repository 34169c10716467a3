import type { Agent } from '../sentinelone/agent.js';
import type { Affected } from '../sentinelone/agent-register.js';
import type { Fleet } from '../sentinelone/fleet.js';
import type { SentinelOneTenant } from '../sentinelone/running-tenant.js';
import type { TenantDirectory } from '../sentinelone/tenant-directory.js';
import type { Step, StepOutcome } from './steps.js';

type AgentStep = Extract<Step, { readonly agent: string }>;

/** Does one step; throws UnknownAgent, AmbiguousAgent or UnknownTenant. */
export function performStep(tenant: SentinelOneTenant, directory: TenantDirectory, step: Step): StepOutcome {
  const { fleet, tokens, clock, faults } = tenant;
  const did = step.do;
  switch (step.do) {
    case 'malform':
      return { did, ids: fleet.malform(step.form, affectedBy(fleet, step), changeOf(step)) };
    case 'migrate': {
      const target = directory.get(step.to);
      const { id } = fleet.find(step.agent);
      const { decommissionAfter } = step;
      const options = decommissionAfter === undefined ? {} : { decommissionAfterMs: decommissionAfter };
      return { did, agent: tenant.migrate(id, target, options), tenant: target.name };
    }
    case 'expire-token':
      tokens.expire(clock.now() / 1000 + (step.in ?? 0));
      return { did, token: tokens.current };
    case 'replace-token':
      return { did, token: tokens.replace(step.token) };
    case 'skew-clock':
      clock.skew(step.by);
      return { did };
    case 'fault':
      faults.script(step.fault);
      return { did };
    case 'clear-faults':
      faults.clear();
      return { did };
    default:
      return { did, agent: performOn(fleet, fleet.find(step.agent).id, step) };
  }
}

function performOn(fleet: Fleet, id: string, step: Exclude<AgentStep, { do: 'migrate' | 'malform' }>): Agent {
  switch (step.do) {
    case 'infect':
      return fleet.infect(id, {
        ...changeOf(step),
        ...(step.threatName !== undefined && { threatName: step.threatName }),
      });
    case 'clean':
      return fleet.clean(id, changeOf(step));
    case 'isolate':
      return fleet.isolate(id, changeOf(step));
    case 'reconnect':
      return fleet.reconnect(id, changeOf(step));
    case 'silence':
      return fleet.silence(id, {
        ...changeOf(step),
        ...(step.inactiveAfter !== undefined && { inactiveAfterMs: step.inactiveAfter }),
      });
    case 'return':
      return fleet.return(id, changeOf(step));
    case 'reimage':
      return fleet.reimage(id);
    case 'clone-serial':
      return fleet.cloneSerial(id);
    case 'decommission':
    case 'retire':
      return fleet.decommission(id, changeOf(step));
    case 'recommission':
      return fleet.recommission(id, changeOf(step));
    case 'uninstall':
      return fleet.uninstall(id, changeOf(step));
    case 'remove': {
      const removed = fleet.get(id);
      fleet.remove(id);
      return removed;
    }
    case 'touch':
      return fleet.update(id, {});
    case 'distort':
      return fleet.distort(id, step.fields, changeOf(step));
    default:
      return setRight(fleet, id, step);
  }
}

/** What is left when every other verb is dealt with. */
function setRight(fleet: Fleet, id: string, _step: Extract<Step, { do: 'set-right' }>): Agent {
  return fleet.setRight(id);
}

/** Only what the step says, so that each change keeps its own default. */
function changeOf({ silent }: { readonly silent?: boolean | undefined }): { readonly silent?: boolean } {
  return silent === undefined ? {} : { silent };
}

function affectedBy(fleet: Fleet, { agent, share, seed }: Extract<Step, { do: 'malform' }>): Affected {
  if (agent !== undefined) return { ids: [fleet.find(agent).id] };
  return { share: share ?? 1, ...(seed !== undefined && { seed }) };
}
