import { findProgram } from '@stance/testing';

/** How to have the version of Helm that the specs of the chart were written with. */
const GET_HELM = 'go install helm.sh/helm/v3/cmd/helm@v3.22.0';

/** The path of helm, as {@link findProgram} finds it; undefined where there is none. Throws `ProgramNotExecutable`. */
export const findHelm = (): Promise<string | undefined> => findProgram('helm');

/** What the titles of skipped specs end with where there is no helm; empty where there is one. */
export async function whyNoHelm(): Promise<string> {
  return (await findHelm()) === undefined ? ` (skipped: there is no helm: ${GET_HELM}, or STANCE_TEST_HELM)` : '';
}
