import { SettingProblem, type Setting } from '@stance/service-kit';
import { GatewayFileInvalid, readGatewayFile, type GatewayFile } from './gateway-file.js';

/** `STANCE_GATEWAY_FILE`: read and checked at start, so that a wrong one ends the process with every problem named. */
export const gatewayFileSetting: Setting<GatewayFile> = {
  description: "this gateway's file: its name, whom it believes, what it carries and where",
  required: true,
  secret: false,
  parse: (path) => {
    try {
      return readGatewayFile(path);
    } catch (error) {
      if (!(error instanceof GatewayFileInvalid)) throw error;
      throw new SettingProblem(`names ${path}, which has problems: ${error.message}`);
    }
  },
};
