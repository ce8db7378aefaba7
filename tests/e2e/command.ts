/** The command as it is installed: bundled, before the run (`setup/command.ts`) or now. */
import { build } from '../setup/bundle.ts';

/** Its main file. */
export const main = process.env['VEILTRAIL_COMMAND'] ?? (await build());
