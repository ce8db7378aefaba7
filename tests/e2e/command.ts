/** The command as it is installed: bundled. */
import { build } from '../setup/bundle.ts';

/** Its main file. */
export const main = await build();
