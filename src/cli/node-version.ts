/** Which Node the command needs: `engines` of package.json, said in a sentence instead of the stack trace of whatever is missing first. */

const needed = 24;

/** @param version as `process.versions.node` has it @returns what to say to somebody whose Node is too old */
export function nodeTooOld(version: string): string | undefined {
  if (Number.parseInt(version, 10) >= needed) return undefined;
  return `veiltrail needs Node ${needed} or newer, and this is ${version}. In a project \`npm install node@${needed}\` brings one along; \`npx veiltrail\` uses it.`;
}
