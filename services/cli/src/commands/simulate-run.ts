import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { Unreachable, WrongUsage } from '../errors.js';
import type { SimulatedTenant, SimulatorClient, StepProblem, StepResult } from '../simulator-client.js';
import { counted, durationText, plain } from '../view/text.js';
import { agentOutcome } from './simulate-agents.js';
import { readScenario, type ScenarioStep } from './simulate-scenario.js';
import { tenantNamed, unknownTenantText, type SimulateTarget } from './simulate-target.js';

/** `stance simulate run`: a file of steps, checked as a whole before the first of them happens. */
export function addScenario(simulate: Command, target: () => Promise<SimulateTarget>, context: CommandContext): void {
  simulate
    .command('run <file>')
    .description('do the steps of a YAML or JSON file one after the other; each may wait before it (`after: 2s`)')
    .action(async (file: string) => {
      const scenario = new Scenario(file, await target(), context);
      await scenario.check();
      await scenario.run();
    });
}

/** A step that was done, and its line in the file. */
type DoneStep = StepResult & { readonly line: number };

class Scenario {
  private readonly steps: readonly ScenarioStep[];

  constructor(
    private readonly file: string,
    private readonly target: SimulateTarget,
    private readonly context: CommandContext,
  ) {
    const { steps, problems } = readScenario(readText(resolve(context.io.cwd, file)));
    if (problems.length > 0) throw new WrongUsage(listed(file, problems));
    this.steps = steps;
  }

  /** Lets the simulator judge all steps; throws `WrongUsage` with a line for each problem. */
  async check(): Promise<void> {
    const problems = [
      ...(await this.target.client.check(this.steps.map(({ step }) => step))),
      ...unknownTenants(this.steps, await this.target.tenants()),
    ];
    if (problems.length === 0) return;
    const placed = problems
      .toSorted((a, b) => a.step - b.step)
      .map(({ step, message }) => ({
        line: this.steps[step]?.line ?? 1,
        message: `step ${step + 1}: ${message}`,
      }));
    throw new WrongUsage(listed(this.file, placed));
  }

  /** Does the steps until all are done, one fails or Ctrl-C comes; what was done is told in any case. */
  async run(): Promise<void> {
    const interrupted = this.context.io.interruption();
    const results: DoneStep[] = [];
    if (!this.context.json) this.context.screen.simulatedNotice();
    try {
      await this.performAll(results, interrupted);
    } finally {
      this.context.print(results, () => undefined);
    }
    if (results.length === this.steps.length) return;
    this.context.interrupted();
    this.context.note(`interrupted: ${results.length} of ${counted(this.steps.length, 'step')} were done`);
  }

  private async performAll(results: DoneStep[], interrupted: AbortSignal): Promise<void> {
    const started = performance.now();
    for (const [index, step] of this.steps.entries()) {
      if (!(await passed(step.afterMs, interrupted))) return;
      const result = await this.perform(step, index);
      results.push({ line: step.line, ...result });
      if (this.context.json) continue;
      this.context.screen.line(`+${durationText(performance.now() - started)}  ${await this.describe(step, result)}`);
    }
  }

  private async perform({ line, tenant, step }: ScenarioStep, index: number): Promise<StepResult> {
    try {
      const client = tenant === undefined ? this.target.client : await this.target.tenant(tenant);
      return await client.perform(await this.withAgentId(step, client));
    } catch (error) {
      const place = `${this.file}:${line}: step ${index + 1} (${step.do})`;
      if (error instanceof WrongUsage) throw new WrongUsage(`${place}: ${error.message}`, { cause: error });
      if (error instanceof Unreachable) throw new Unreachable(`${place}: ${error.message}`, { cause: error });
      throw error;
    }
  }

  /** Scenarios may name devices; the simulator knows agents. */
  private async withAgentId(step: ScenarioStep['step'], client: SimulatorClient): Promise<ScenarioStep['step']> {
    const { agent } = step;
    return typeof agent === 'string' ? { ...step, agent: (await this.target.resolve(agent, client)).id } : step;
  }

  private async describe({ step }: ScenarioStep, { agent, tenant, ids, token }: StepResult): Promise<string> {
    if (agent !== undefined) return `${step.do}: ${agentOutcome(step.do, await this.target.row(agent), tenant)}`;
    const of = ids === undefined ? token : `agents ${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ', ...' : ''}`;
    return plain(of === undefined ? step.do : `${step.do}: ${of}`);
  }
}

/** Steps that name a tenant, theirs or the one to move to, that does not run beside this one. */
function unknownTenants(steps: readonly ScenarioStep[], tenants: readonly SimulatedTenant[]): StepProblem[] {
  return steps.flatMap(({ tenant, step }, index) =>
    [tenant, step.do === 'migrate' ? step['to'] : undefined]
      .filter((reference) => typeof reference === 'string')
      .filter((reference) => tenantNamed(reference, tenants) === undefined)
      .map((reference) => ({ step: index, message: unknownTenantText(reference, tenants) })),
  );
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new WrongUsage(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function listed(file: string, problems: readonly { readonly line: number; readonly message: string }[]): string {
  return problems.map(({ line, message }) => `${file}:${line}: ${message}`).join('\n');
}

/** Waits; false when Ctrl-C came first. */
async function passed(milliseconds: number, interrupted: AbortSignal): Promise<boolean> {
  if (interrupted.aborted) return false;
  if (milliseconds === 0) return true;
  try {
    await wait(milliseconds, undefined, { signal: interrupted });
    return true;
  } catch (error) {
    if (interrupted.aborted) return false;
    throw error;
  }
}
